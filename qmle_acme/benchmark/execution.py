"""Runs a grid, some runs side by side, each as a `qmle train` of its own.

A run that fails does not stop the others. SIGINT or SIGTERM has those that run save and
stop; a second SIGINT kills them. The same grid again goes on with what is left.
"""

import dataclasses
import signal
import subprocess
import time
from collections.abc import Sequence

import rich.console

from qmle_acme import processes
from qmle_acme.benchmark.grid import GridRun
from qmle_acme.benchmark.grid_progress import GridProgress
from qmle_acme.runs import screen

_POLL_SECONDS = 0.2
# How a run ends that was told to stop: in its way, or before or after it listens.
_STOPPED = (130, 143, -signal.SIGTERM, -signal.SIGKILL)


@dataclasses.dataclass(frozen=True)
class GridOutcome:
  """How a grid ended.

  Attributes:
    exit_code: 0 if every run has finished, 1 if one has not, 130 or 143 if a signal
      stopped the grid.
    failures: the names of runs that ended badly, each with the reason.
  """

  exit_code: int
  failures: dict[str, str]


def execute(
  grid: Sequence[GridRun], jobs: int, console: rich.console.Console
) -> GridOutcome:
  """Runs all that is left of a grid; must be called from the main thread.

  Args:
    grid: the runs, in the order in which they are started.
    jobs: runs side by side.
    console: where progress is shown.
  """
  waiting = [run for run in grid if not run.is_finished()]
  if len(waiting) < len(grid):
    done = len(grid) - len(waiting)
    screen.say(console, f'{done} of {len(grid)} runs were finished before')
  died = [run.name for run in waiting if run.has_died()]
  if died:
    screen.say(console, f'died, and will go on: {"; ".join(died)}')
  with processes.recorded_signals() as received:
    progress = GridProgress(grid, console)
    try:
      failures = _run_all(waiting, jobs, progress, received)
    finally:
      progress.close()
  if received:
    return GridOutcome(128 + received[0], failures)
  return GridOutcome(1 if failures else 0, failures)


def _run_all(
  waiting: list[GridRun],
  jobs: int,
  progress: GridProgress,
  received: list[int],
) -> dict[str, str]:
  """Returns the failures by the names of the runs."""
  running: dict[GridRun, subprocess.Popen[bytes]] = {}
  failures: dict[str, str] = {}
  signals_sent = 0
  try:
    while running or (waiting and not received):
      while waiting and len(running) < jobs and not received:
        run = waiting.pop(0)
        running[run] = _start(run)
      if len(received) > signals_sent:
        if not signals_sent:
          progress.say('stopping: runs are saving; Ctrl-C again ends without that')
        _pass_on(received, running)
        signals_sent = len(received)
      for run in [
        run for run, process in running.items() if process.poll() is not None
      ]:
        code = running.pop(run).returncode
        if received and code in _STOPPED:
          waiting.append(run)
        elif code != 0:
          failures[run.name] = _reason(run, code)
          how = 'died' if run.has_died() else 'failed'
          progress.say(f'{how}: {run.name}: {failures[run.name]}')
      progress.update(list(running), waiting, failures)
      time.sleep(_POLL_SECONDS)
    progress.show([], waiting, failures)
  finally:
    for process in running.values():  # An error of our own: nothing outlives us.
      process.kill()
  return failures


def _start(run: GridRun) -> subprocess.Popen[bytes]:
  """Starts or resumes a run; what it prints is added to its file."""
  run.folder.path.parent.mkdir(parents=True, exist_ok=True)
  return processes.start_qmle(run.arguments, run.output)


def _pass_on(
  received: Sequence[int], running: dict[GridRun, subprocess.Popen[bytes]]
) -> None:
  """Has the runs stop; at once after a second SIGINT."""
  for process in running.values():
    if received.count(signal.SIGINT) > 1:
      process.kill()
    else:
      process.terminate()


def _reason(run: GridRun, code: int) -> str:
  """Returns one line on why a run did not finish."""
  if code < 0:
    return f'killed by {signal.Signals(-code).name}'
  lines = run.output.read_text(errors='replace').split('\n')
  last = next((line for line in reversed(lines) if line.strip()), '')
  reason = last.strip().removeprefix('failed: ') or f'exit code {code}'
  return f'{reason} ({run.output})'
