"""Main: holds the run folder of a run whose nodes other engines start.

It is to them what the supervisor is to a run on one machine, but that it starts and
stops nothing: it watches the nodes by their journals, and says by the run's status when
the run is over. All others act on that.
"""

import contextlib
import time
from collections.abc import Mapping, Sequence

import acme

from qmle_acme import training
from qmle_acme.cluster import journal as journal_lib
from qmle_acme.cluster.addresses import bind
from qmle_acme.cluster.journal import Journal
from qmle_acme.cluster.places import MAIN, Place, make_places
from qmle_acme.errors import UserError
from qmle_acme.runs import checkpointing
from qmle_acme.runs.config import RunConfig
from qmle_acme.runs.progress import Progress
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.topology import distributed
from qmle_acme.topology import program as program_lib
from qmle_acme.topology.monitor import Monitor
from qmle_acme.topology.supervision import Outcome

# What a full replay and the learner may take to save; engines wait longer than that.
SAVING_SECONDS = 90.0
# Within that time a node's end is noticed.
NOTICE_SECONDS = 30.0
# A node that has not been alive for so long ends the run: its engine has given up.
SILENCE_SECONDS = 900.0
_POLL_SECONDS = 1.0


def run(config: RunConfig, hosts: Mapping[str, str]) -> int:
  """Conducts a run from its first line of status to the last; returns the exit code."""
  journal = Journal(RunFolder(config.run), Place(MAIN))

  def conduct(
    config: RunConfig,
    spec: acme.specs.EnvironmentSpec,
    folder: RunFolder,
    progress: Progress,
    received: Sequence[int],
  ) -> Outcome:
    watcher = _Watcher(config, folder, journal)
    program, counter, replay = program_lib.make_program(config, spec, folder)
    bind(program, hosts)
    with contextlib.closing(Monitor(counter, replay)) as monitor:
      while True:
        journal.beat()
        if received:
          return watcher.stop(received[0])
        if outcome := watcher.outcome():
          return outcome
        if view := monitor.take():
          distributed.show(folder, progress, view)
        watcher.note_restarts(progress)
        time.sleep(_POLL_SECONDS)

  try:
    outcome = training.run(config, conduct)
  except UserError as refusal:
    with contextlib.suppress(OSError):  # It may be the folder that is refused.
      journal.end(journal_lib.GAVE_UP, str(refusal))
    raise
  journal.end(journal_lib.STOPPED, outcome.error)
  return outcome.exit_code


class _Watcher:
  """Watches the other nodes by their journals."""

  def __init__(self, config: RunConfig, folder: RunFolder, journal: Journal):
    self._folder = folder
    self._began = time.time()
    self._others = {
      place: Journal(folder, place)
      for place in make_places(config)
      if place.role != MAIN
    }
    self._restarts = {place: self._count(place) for place in self._others}
    self._steps = config.steps
    self._is_in_time = journal.begin()

  def outcome(self) -> Outcome | None:
    """Returns how the run has ended, once it has."""
    if not self._is_in_time:
      return Outcome('failed', 1, 'main has died too often')
    for place, journal in self._others.items():
      record = journal.read()
      if record.get('state') == journal_lib.GAVE_UP and record['at'] > self._began:
        return Outcome('failed', 1, record.get('error'))
      if min(journal.silence(), time.time() - self._began) > SILENCE_SECONDS:
        minutes = round(SILENCE_SECONDS / 60)
        return Outcome(
          'failed', 1, f'{place.title} was not alive for {minutes} minutes'
        )
    evaluator = self._others[Place(program_lib.DONE)].read()
    is_done = evaluator.get('state') == journal_lib.RETURNED
    # It may have returned before, when fewer steps were asked for.
    if is_done and evaluator['steps'] == self._steps:
      return Outcome('finished', 0)
    return None

  def note_restarts(self, progress: Progress) -> None:
    """Records, and says, which nodes have been started again since the last time."""
    for place, journal in self._others.items():
      count = self._count(place)
      if count > self._restarts[place]:
        self._restarts[place] = count
        error = journal.read().get('error') or f'{place.title} was killed'
        distributed.note(self._folder, progress, 'node restart', place.title, error)

  def _count(self, place: Place) -> int:
    return self._others[place].read().get('restarts', 0)

  def stop(self, number: int) -> Outcome:
    """Waits until the learner has saved, if it does; then the run has stopped.

    The status says so at once: an engine in a hurry kills this process, too.
    """
    unsaved = 'it was over before the learner had said that it has saved'
    counts = checkpointing.read_counts(self._folder)
    self._folder.write_status('stopped', counts, unsaved)
    learner = self._others[Place(program_lib.LEARNER)]
    deadline = time.monotonic() + SAVING_SECONDS
    while learner.is_alive() and time.monotonic() < deadline:
      time.sleep(_POLL_SECONDS)
    late = (journal_lib.RUNNING, journal_lib.FAILED)
    has_saved = learner.read().get('state') not in late
    return Outcome('stopped', 128 + number, killed=() if has_saved else ('learner',))


def read_failure(folder: RunFolder, since: float) -> str | None:
  """Returns the error of a run that has failed since then; None if it has not."""
  main = Journal(folder, Place(MAIN)).read()
  if main.get('state') == journal_lib.GAVE_UP and main['at'] > since:
    return main['error']
  with contextlib.suppress(UserError, FileNotFoundError):
    status = folder.read_status()
    if status.get('state') == 'failed' and folder.status.stat().st_mtime > since:
      return status['error']
  return None
