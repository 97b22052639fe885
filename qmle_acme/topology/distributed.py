"""Runs the distributed layout to its end, through the deaths of its parts."""

import contextlib
import functools
import time
from collections.abc import Callable, Sequence

import acme
import launchpad as lp

from qmle_acme.processes import thread_limits
from qmle_acme.runs import checkpointing
from qmle_acme.runs.config import RunConfig
from qmle_acme.runs.progress import Progress
from qmle_acme.runs.records import ACTOR_STEPS
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.topology import program as program_lib
from qmle_acme.topology.monitor import Monitor, View
from qmle_acme.topology.nodes import Node
from qmle_acme.topology.nursery import Nursery, opened_for
from qmle_acme.topology.restarts import Restarts
from qmle_acme.topology.supervision import Outcome, Policy, supervise
from qmle_acme.topology.watchdog import StoodStill, Watchdog

_LAUNCH_TYPES = {
  'processes': lp.LaunchType.LOCAL_MULTI_PROCESSING,
  'threads': lp.LaunchType.LOCAL_MULTI_THREADING,
}
_POLL_SECONDS = 0.1


def run(
  config: RunConfig,
  spec: acme.specs.EnvironmentSpec,
  folder: RunFolder,
  progress: Progress,
  received: Sequence[int],
  nursery: Nursery | None = None,
  poll: Callable[[], None] = lambda: None,
) -> Outcome:
  """Trains until the run is over, or one part has died too often.

  Where learner or counter dies, all nodes are ended, and started anew from the newest
  checkpoint: the others would be ahead of them.

  Args:
    config: settings of the run.
    spec: of its environment.
    folder: of the run, opened.
    progress: shows it.
    received: the signals that have come so far.
    nursery: where nodes that are processes come from, if that is open already.
    poll: called several times a second.
  """
  if config.launch == 'processes' and nursery is None:
    with opened_for(config) as nursery:
      return run(config, spec, folder, progress, received, nursery, poll)
  faults = config.faults
  policy = program_lib.make_policy(faults)
  resumes = Restarts(faults.run_restarts, 60.0 * faults.window_minutes)
  while True:
    try:
      outcome = _run_once(
        config, spec, folder, progress, received, policy, nursery, poll
      )
    except StoodStill as stall:
      return Outcome('failed', 1, str(stall))
    # Threads that have not stopped would go on beside those of the next time.
    if outcome.lost is None or received or config.launch != 'processes':
      return outcome
    delay = resumes.grant('run')
    if delay is None:
      return outcome
    note(folder, progress, 'run restart', outcome.lost, str(outcome.error))
    _wait(delay, received)
    checkpointing.forget_damaged(folder)
    steps = int(checkpointing.read_counts(folder).get(ACTOR_STEPS, 0))
    progress.say(f'all nodes start again, from the {steps:,} steps that are saved')


def _run_once(
  config: RunConfig,
  spec: acme.specs.EnvironmentSpec,
  folder: RunFolder,
  progress: Progress,
  received: Sequence[int],
  policy: Policy,
  nursery: Nursery | None,
  poll: Callable[[], None],
) -> Outcome:
  """Trains until the nodes end as a whole."""
  program, counter, replay = program_lib.make_program(config, spec, folder)
  watchdog = Watchdog(config.faults, folder, progress)
  is_seen = False

  def on_tick(nodes: Sequence[Node]) -> None:
    nonlocal is_seen
    view = monitor.take()
    if view is not None:
      is_seen = True
      show(folder, progress, view)
      watchdog.look(view, nodes)
    elif not is_seen:
      progress.wait_for(monitor.awaited)
    poll()

  with contextlib.closing(Monitor(counter, replay)) as monitor:
    return supervise(
      program,
      policy,
      launch_type=_LAUNCH_TYPES[config.launch],
      logs=folder.logs,
      environment={
        **{label: thread_limits(1) for label in program.groups},
        program_lib.LEARNER: config.learner_limits,
      },
      on_tick=on_tick,
      on_restart=functools.partial(note, folder, progress, 'node restart'),
      received=received,
      nursery=nursery,
    )


def show(folder: RunFolder, progress: Progress, view: View) -> None:
  """Writes the status, and progress, when that is due."""
  folder.write_status('running', view.snapshot, error=None)
  if progress.is_due():
    restarts = {'restarts': folder.count_restarts()}
    progress.update(view.snapshot | restarts, view.replay_info)


def note(
  folder: RunFolder, progress: Progress, what: str, node: str, error: str
) -> None:
  """Records a restart, and says so."""
  folder.append_fault(what, node, error)
  progress.say(f'{what}: {error}')


def _wait(seconds: float, received: Sequence[int]) -> None:
  """Returns after some time, or at a signal."""
  deadline = time.monotonic() + seconds
  while time.monotonic() < deadline and not received:
    time.sleep(_POLL_SECONDS)
