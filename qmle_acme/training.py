"""Runs an experiment in its folder, from the first line of status to the last."""

import contextlib
import dataclasses
import functools
import os
import pathlib
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import acme
import launchpad as lp
import reverb
import rich.console

from qmle_acme.runs import checkpointing, factory, local, machine, memory
from qmle_acme.runs.config import RunConfig
from qmle_acme.runs.progress import Progress
from qmle_acme.runs.recording import ACTOR_STEPS, read_records
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.topology import program as program_lib
from qmle_acme.topology.supervision import Outcome, supervise

_LAUNCH_TYPES = {
  'processes': lp.LaunchType.LOCAL_MULTI_PROCESSING,
  'threads': lp.LaunchType.LOCAL_MULTI_THREADING,
}


# Runs what has been prepared: settings, spec of the environment, open folder, progress.
Layout = Callable[[RunConfig, acme.specs.EnvironmentSpec, RunFolder, Progress], Outcome]


def run(config: RunConfig, layout: Layout | None = None) -> Outcome:
  """Trains, or goes on training, and returns how that ended.

  Args:
    config: settings of the run.
    layout: what runs its parts; by default what the settings name.

  Raises:
    UserError: environment or folder cannot be used, and nothing is left behind then;
      or the checkpoint to go on from is lost, and nothing is changed.
  """
  with warnings.catch_warnings(record=True) as early:  # They go to the log.
    spec = factory.make_spec(config)
    builder = factory.make_builder(config, spec)  # Refuses what the agent cannot do.
  size = getattr(config, config.agent).replay_size
  need = memory.describe(
    builder.row_bytes, size, config.steps, f'{config.agent}.replay_size'
  )
  folder = RunFolder(config.run)
  with folder.open(config):
    counts = checkpointing.read_resumed_counts(folder)
    if folder.is_finished(config.steps):
      print(f'finished before: {config.steps:,} steps in {folder.path}')
      return Outcome('finished', 0)
    folder.write_config(config)
    damages = checkpointing.forget_damaged(folder)
    folder.logs.mkdir(exist_ok=True)
    folder.append_start({'command': sys.argv, **machine.describe()})
    folder.write_status('running', counts, error=None)
    with output_to(folder.logs / 'main.log') as console:
      for line in [*damages, f'{_opening(config, counts)}; {need}']:
        say(console, line)
      for found in early:
        warnings.showwarning(
          found.message, found.category, found.filename, found.lineno
        )
      outcome = _run_layout(config, spec, folder, console, layout)
      counts = checkpointing.read_counts(folder)
      is_replay_behind = checkpointing.is_replay_behind(folder)
      outcome = with_loss(outcome, counts, config, is_replay_behind)
      folder.write_status(outcome.state, counts, outcome.error)
      say(console, _summary(outcome, counts, folder))
  return outcome


def _run_layout(
  config: RunConfig,
  spec: acme.specs.EnvironmentSpec,
  folder: RunFolder,
  console: rich.console.Console,
  layout: Layout | None,
) -> Outcome:
  layouts: dict[str, Layout] = {'local': _run_local, 'distributed': _run_distributed}
  run = layout or layouts[config.layout]
  progress = Progress(config, console)
  try:
    return run(config, spec, folder, progress)
  except Exception as error:
    traceback.print_exc()
    message = str(error).split('\n')[0]
    log = folder.logs / 'main.log'
    return Outcome('failed', 1, f'{type(error).__name__}: {message} ({log})')
  finally:
    progress.close()


def _run_local(
  config: RunConfig,
  spec: acme.specs.EnvironmentSpec,
  folder: RunFolder,
  progress: Progress,
) -> Outcome:
  stop = threading.Event()

  def watch(snapshot: dict[str, Any], replay: reverb.Client) -> None:
    if progress.is_due():
      folder.write_status('running', snapshot, error=None)
      progress.update(snapshot, replay.server_info())

  with _stop_on_signals(stop) as received:
    try:
      local.run(config, spec, folder, stop, watch)
    except KeyboardInterrupt:  # The second one.
      return Outcome('stopped', 130, killed=(program_lib.LEARNER,))
  if received:
    return Outcome('stopped', 128 + received[0])
  return Outcome('finished', 0)


def _run_distributed(
  config: RunConfig,
  spec: acme.specs.EnvironmentSpec,
  folder: RunFolder,
  progress: Progress,
) -> Outcome:
  program, counter, replay = program_lib.make_program(config, spec, folder)

  return supervise(
    program,
    launch_type=_LAUNCH_TYPES[config.launch],
    logs=folder.logs,
    environment={
      label: thread_limits(
        config.learner_threads if label == program_lib.LEARNER else 1
      )
      for label in program.groups
    },
    done=program_lib.DONE,
    lasting=program_lib.LASTING,
    patience=program_lib.PATIENCE,
    on_tick=functools.partial(watch, folder, progress, counter, replay),
  )


def watch(folder: RunFolder, progress: Progress, counter: Any, replay: Any) -> None:
  """Writes status and progress of a distributed run, when that is due.

  Args:
    folder: of the run.
    progress: that a person sees.
    counter: handle of the recorder.
    replay: handle of the replay server.
  """
  if not progress.is_due():
    return
  # Until both servers are up there is nothing to see.
  with contextlib.suppress(Exception):
    snapshot = counter.dereference().snapshot()
    if ACTOR_STEPS not in snapshot:  # The learner has not resumed the counts yet.
      return
    folder.write_status('running', snapshot, error=None)
    progress.update(snapshot, replay.dereference().server_info(timeout=1))


def thread_limits(threads: int) -> dict[str, str]:
  """Returns the environment that keeps TensorFlow in a process to so many threads."""
  return {
    'TF_NUM_INTRAOP_THREADS': str(threads),
    'TF_NUM_INTEROP_THREADS': '1',
    'OMP_NUM_THREADS': str(threads),
    # What XLA compiles is the gradient step, whose products are too small to be shared.
    'XLA_FLAGS': '--xla_cpu_multi_thread_eigen=false',
  }


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


@contextlib.contextmanager
def output_to(log: pathlib.Path) -> Iterator[rich.console.Console]:
  """Sends all that libraries print to a file; yields the console that was there."""
  sys.stdout.flush()
  sys.stderr.flush()
  saved = [os.dup(1), os.dup(2)]
  with log.open('a') as file, os.fdopen(os.dup(1), 'w') as screen:
    os.dup2(file.fileno(), 1)
    os.dup2(file.fileno(), 2)
    try:
      # Or 'control:dog:walk' would get the picture of a dog.
      yield rich.console.Console(file=screen, emoji=False)
    finally:
      sys.stdout.flush()
      sys.stderr.flush()
      for number, copy in zip((1, 2), saved, strict=True):
        os.dup2(copy, number)
        os.close(copy)


@contextlib.contextmanager
def _stop_on_signals(stop: threading.Event) -> Iterator[list[int]]:
  """Sets `stop` on the first SIGINT or SIGTERM; a second SIGINT interrupts."""
  received: list[int] = []

  def handle(number: int, _: Any) -> None:
    received.append(number)
    stop.set()
    signal.signal(signal.SIGINT, signal.default_int_handler)

  handlers = {n: signal.signal(n, handle) for n in (signal.SIGINT, signal.SIGTERM)}
  try:
    yield received
  finally:
    for number, handler in handlers.items():
      signal.signal(number, handler)


def say(console: rich.console.Console, line: str) -> None:
  """Prints a line as it is."""
  console.print(line, highlight=False, markup=False, soft_wrap=True)


def _opening(config: RunConfig, counts: Mapping[str, float]) -> str:
  """Returns the first line that a person sees, long before the nodes are up."""
  steps = int(counts.get(ACTOR_STEPS, 0))
  verb = f'resuming from {steps:,} steps' if steps else 'starting'
  return f'{verb}: {config.agent} on {config.env} in {config.run}'


def _summary(outcome: Outcome, counts: dict[str, float], folder: RunFolder) -> str:
  """Returns the last line that a person sees."""
  steps = f'{int(counts.get(ACTOR_STEPS, 0)):,} steps saved in {folder.path}'
  if outcome.state == 'failed':
    return f'failed: {outcome.error}; {steps}'
  if outcome.state == 'stopped':
    return f'stopped: {steps}; {outcome.error or "the same command resumes"}'
  return f'finished: {steps}; {_greedy_return(folder)}'


def _greedy_return(folder: RunFolder) -> str:
  """Returns what the final policy is worth, for a person."""
  last = read_records(folder.evaluations)[-1]
  mean, episodes = last['episode_return_mean'], len(last['episode_returns'])
  return f'greedy return {mean:,.6g}, the mean of {episodes} episodes'
