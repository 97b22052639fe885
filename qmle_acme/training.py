"""Runs an experiment in its folder, from the first line of status to the last."""

import _thread
import contextlib
import dataclasses
import functools
import pathlib
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import acme
import dm_env
import reverb
import rich.console

from qmle_acme import processes, tracking
from qmle_acme.errors import cause_of
from qmle_acme.files import refused_if_not_written
from qmle_acme.runs import (
  checkpointing,
  disk,
  ending,
  factory,
  local,
  machine,
  memory,
  patience,
  videos,
)
from qmle_acme.runs.activity import Activity
from qmle_acme.runs.config import RunConfig
from qmle_acme.runs.progress import Progress
from qmle_acme.runs.records import ACTOR_STEPS
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.runs.screen import announce, held, output_to, poll_to, say
from qmle_acme.topology import distributed, doors
from qmle_acme.topology import program as program_lib
from qmle_acme.topology.nursery import Nursery
from qmle_acme.topology.supervision import Outcome

# Runs what has been prepared: settings, spec of the environment, open folder, progress,
# and the signals that have come so far.
Layout = Callable[
  [RunConfig, acme.specs.EnvironmentSpec, RunFolder, Progress, Sequence[int]], Outcome
]


def run(
  config: RunConfig,
  layout: Layout | None = None,
  poll: Callable[[], bool] = lambda: False,
  early: Sequence[str] = (),
  environment: dm_env.Environment | None = None,
  nursery: Nursery | None = None,
) -> Outcome:
  """Trains, or goes on training, and returns how that ended.

  Args:
    config: settings of the run.
    layout: what runs its parts; by default what the settings name.
    poll: called again and again; True stops the run as SIGTERM does.
    early: what packages have said before, for the log.
    environment: one of the run, if it was made before; it is closed.
    nursery: where nodes that are processes come from, if that is open already.

  Raises:
    UserError: environment, folder or machine cannot be used, and nothing is left
      behind then; or the checkpoint to go on from is lost, and nothing is changed.
  """
  tracking.check(config)
  if layout is None and config.layout == 'distributed' and config.launch == 'processes':
    memory.check_actors(config.actors)
  if environment is None:
    announce(f'making {config.env}')
  with held() as found:  # It goes to the log.
    environment = environment or factory.make_environment(config, seed=0)
    is_drawn = videos.are_possible(environment)
    spec = factory.make_spec(config, environment)
    builder = factory.make_builder(config, spec)  # Refuses what the agent cannot do.
  size = config.of_agent.replay_size
  need = memory.describe(
    builder.row_bytes, size, config.steps, f'{config.agent}.replay_size'
  )
  folder = RunFolder(config.run)
  with folder.open(config):
    counts = checkpointing.read_resumed_counts(folder)
    if folder.is_finished(config.steps):
      steps = int(counts[ACTOR_STEPS])
      print(f'finished before: {steps:,} steps in {folder.path}')
      return Outcome('finished', 0)
    changes = folder.check_same(config)
    with refused_if_not_written(folder.path):
      folder.write_config(config)
      damages = checkpointing.forget_damaged(folder)
      folder.logs.mkdir(exist_ok=True)
    stop = threading.Event()
    log = folder.logs / 'main.log'
    with (
      output_to(log) as console,
      processes.recorded_signals(
        functools.partial(_acknowledge, config, console, stop)
      ) as received,
    ):
      start = {'command': sys.argv, 'changes': changes, **machine.describe()}
      with refused_if_not_written(folder.path):
        folder.append_start(start)
        folder.write_status('running', counts, error=None)
      # What places nodes elsewhere wants to be reached.
      open_doors = [] if layout or doors.are_closed() else [doors.WARNING]
      changed = [f'changed: {change}' for change in changes]
      opening = f'{_opening(config, counts)}; {need}'
      on_disk = disk.needed(builder.row_bytes, size, config.steps)
      free, shortage = disk.judge(folder.path, on_disk)
      tight = [f'warning: {free}: {shortage}'] if shortage else []
      for line in [*damages, opening, *changed, *open_doors, *tight]:
        say(console, line)
      _log(log, ''.join([*early, *found]))

      def on_tick() -> None:
        if poll_to(console, poll) and not stop.is_set():
          received.append(signal.SIGTERM)
          stop.set()

      with (
        contextlib.closing(Progress(config, console)) as progress,
        tracking.following(config, folder, progress.say),
      ):
        run_layout = layout or _make_layout(config, nursery, stop, on_tick)

        def run_and_tell() -> Outcome:
          outcome = run_layout(config, spec, folder, progress, received)
          if outcome.state != 'failed':
            poll_to(console, poll)  # The last evaluation and checkpoint are new.
          return outcome

        outcome = _run_to_an_end(run_and_tell, log, received)
      counts = checkpointing.read_counts(folder)
      is_replay_behind = checkpointing.is_replay_behind(folder)
      outcome = with_loss(outcome, counts, config, is_replay_behind)
      folder.write_status(outcome.state, counts, outcome.error)
      say(console, _summary(outcome, counts, folder, is_drawn))
  return outcome


def _make_layout(
  config: RunConfig,
  nursery: Nursery | None,
  stop: threading.Event,
  on_tick: Callable[[], None],
) -> Layout:
  """Returns the layout that the settings name."""
  if config.layout == 'distributed':
    return functools.partial(distributed.run, nursery=nursery, poll=on_tick)
  return functools.partial(_run_local, stop=stop, on_tick=on_tick)


def _run_to_an_end(
  run_layout: Callable[[], Outcome], log: pathlib.Path, received: Sequence[int]
) -> Outcome:
  """Returns how a layout has ended, also where it has raised whatever it may."""
  try:
    return run_layout()
  except BaseException as error:
    if isinstance(error, KeyboardInterrupt) and received:  # The second, in one process.
      return Outcome('stopped', 130, killed=(program_lib.LEARNER,))
    with contextlib.suppress(OSError):  # As where the disk is full.
      _log(log, traceback.format_exc())
    return Outcome('failed', 1, f'{cause_of(error)} (its log: {log})')


def _log(log: pathlib.Path, text: str) -> None:
  """Adds a text to the log; in a notebook `sys.stderr` would be the cell's."""
  with log.open('a') as file:
    file.write(text)


def _run_local(
  config: RunConfig,
  spec: acme.specs.EnvironmentSpec,
  folder: RunFolder,
  progress: Progress,
  received: Sequence[int],
  stop: threading.Event,
  on_tick: Callable[[], None],
) -> Outcome:
  def watch(snapshot: dict[str, Any], replay: reverb.Client) -> None:
    if progress.is_due():
      folder.write_status('running', snapshot, error=None)
      progress.update(snapshot, replay.server_info())
    on_tick()

  def say(line: str) -> None:
    folder.append_fault('stall', 'main', line)
    progress.say(f'stall: {line}')

  drawn = ' and a video of them' if config.render_every else ''
  progress.wait_for(f'networks, and their evaluation{drawn} where one is due')
  activity = Activity()
  with activity.watched(config.faults.stall_seconds, say):
    try:
      with patience.limited(activity, stop):
        local.run(config, spec, folder, stop, activity, watch)
    except patience.Left as error:
      return Outcome('stopped', 128 + received[0], str(error))
  return Outcome('stopped', 128 + received[0]) if received else Outcome('finished', 0)


def _acknowledge(
  config: RunConfig,
  console: rich.console.Console,
  stop: threading.Event,
  received: list[int],
) -> None:
  """Says at once that a signal has come, and has the local layout stop.

  In a thread, started without a lock: a signal may come while the main thread holds
  any, also in the midst of the handler of another signal.
  """

  def acknowledge() -> None:
    if not stop.is_set():
      stop.set()
      say(console, 'stopping: saving; Ctrl-C again ends without that')

  if config.layout == 'local' and received.count(signal.SIGINT) > 1:
    raise KeyboardInterrupt
  _thread.start_new_thread(acknowledge, ())


def with_loss(
  outcome: Outcome,
  counts: Mapping[str, float],
  config: RunConfig,
  is_replay_behind: bool,
) -> Outcome:
  """Returns the outcome, with an error if the learner did not save all.

  Args:
    outcome: of the layout.
    counts: of the newest checkpoint.
    config: settings of the run.
    is_replay_behind: whether the newest checkpoint of replay is older than that.
  """
  steps = int(counts.get(ACTOR_STEPS, 0))
  is_finished = outcome.state == 'finished'
  if is_finished and steps < config.steps:
    outcome = dataclasses.replace(outcome, state='failed', exit_code=1)
    loss = f'the run ended before {config.steps:,} steps were saved'
  elif program_lib.LEARNER in outcome.killed and not is_finished:
    what = 'replay' if is_replay_behind else 'its last steps'
    loss = f'the learner was killed before it had saved {what}'
  else:
    return outcome
  loss = f'{loss}: the same command resumes from {steps:,} steps'
  if is_replay_behind:
    loss += ', with replay as it was before'
  error = loss if outcome.error is None else f'{outcome.error}; {loss}'
  return dataclasses.replace(outcome, error=error)


def _opening(config: RunConfig, counts: Mapping[str, float]) -> str:
  """Returns the first line that a person sees, long before the nodes are up."""
  steps = int(counts.get(ACTOR_STEPS, 0))
  verb = f'resuming from {steps:,} steps' if steps else 'starting'
  return f'{verb}: {config.agent} on {config.env} in {config.run}'


def _summary(
  outcome: Outcome, counts: dict[str, float], folder: RunFolder, is_drawn: bool
) -> str:
  """Returns the last line, or lines, that a person sees."""
  steps = f'{int(counts.get(ACTOR_STEPS, 0)):,} steps saved in {folder.path}'
  if outcome.state == 'failed':
    return f'failed: {outcome.error}; {steps}'
  if outcome.state == 'stopped':
    return f'stopped: {steps}; {outcome.error or "the same command resumes"}'
  value, *more = ending.describe(folder, is_drawn)
  return '\n'.join([f'finished: {steps}; {value}', *more])
