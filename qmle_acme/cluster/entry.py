"""Runs one node of a run, in a process that an engine starts, stops and starts again.

The node runs as a thread: the main thread sees signals whatever the node waits for. It
follows the run by the run folder alone:

  finished  the status says so, with the steps that are asked for: exit code 0;
  failed    the status says so: exit code 1, and no use in starting again;
  stopped   a signal came: exit code 128 and its number, once the node has ended;
  refused   another time it would be the same, as with a reward that is NaN: main says
            that the run has failed; exit code 1;
  died      the node has failed: exit code 75, "try again", which is the engine's part.
"""

import dataclasses
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping

import launchpad as lp
import rich.console
from absl import logging

from qmle_acme import processes
from qmle_acme.cluster import conductor
from qmle_acme.cluster import journal as journal_lib
from qmle_acme.cluster.addresses import bind
from qmle_acme.cluster.journal import Journal
from qmle_acme.cluster.places import MAIN, Place, make_places
from qmle_acme.errors import UserError
from qmle_acme.runs import checkpointing, factory, screen
from qmle_acme.runs.config import RunConfig
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.topology import nodes as nodes_lib
from qmle_acme.topology import program as program_lib

TRY_AGAIN = 75  # EX_TEMPFAIL of sysexits.h.
_POLL_SECONDS = 0.5
_BEAT_SECONDS = 5.0
# Nodes that the learner needs while it saves.
_SAVED_THROUGH = ('counter', 'replay')
_END_SECONDS = 5.0


@dataclasses.dataclass(frozen=True)
class _End:
  """How a life of a node has ended: exit code, state for its journal, error."""

  code: int
  state: str
  error: str | None = None


# Not an end: another life of it begins at once, in the same process.
_AGAIN = _End(TRY_AGAIN, journal_lib.STOPPED)


class _NodeRun:
  """One life of one node."""

  def __init__(self, config: RunConfig, place: Place, hosts: Mapping[str, str]):
    self._config = config
    self._place = place
    self._hosts = hosts
    self._folder = RunFolder(config.run)
    self._journal = Journal(self._folder, place)
    self._predecessors = [Journal(self._folder, other) for other in self._waits_for()]
    self._began = time.time()
    self._next_beat = 0.0

  def run(self, console: rich.console.Console) -> _End:
    """Runs the node to an end of its own, or of the run."""
    try:
      if self._journal.begin():
        generation = self._journal.generation
        screen.say(console, f'{self._place.name}: up, generation {generation}')
        end = self._live()
      else:
        last = self._journal.read().get('error') or 'killed'
        end = self._give_up(f'{self._place.title} has died too often: {last}')
    except UserError as refusal:
      end = _End(2, journal_lib.GAVE_UP, str(refusal))
    self._journal.end(end.state, end.error)
    why = f': {end.error}' if end.error else ''
    screen.say(console, f'{self._place.name}: {end.state}{why}')
    return end

  def _live(self) -> _End:
    """Starts the node, and follows node and run until one has ended."""
    self._folder.check_same(self._config)
    if self._place.role == program_lib.LEARNER:
      checkpointing.read_resumed_counts(self._folder)  # Or it would begin anew.
    start = self._prepare()
    with processes.recorded_signals() as received:
      for _ in self._ticks():
        if received:
          return _End(128 + received[0], journal_lib.STOPPED)
        if end := self._end_of_run():
          return end
        if not self._has_to_wait():
          break
      node = start()
      for _ in self._ticks():
        if received:
          return self._stop_by(received[0], node)
        match node.poll():
          case nodes_lib.End.RETURNED:
            self._note_return()
          case nodes_lib.End.REFUSED:
            return self._give_up(node.error())
          case nodes_lib.End.DIED:
            return _End(TRY_AGAIN, journal_lib.FAILED, node.error())
        if end := self._end_of_run():
          self._stop(node)
          return end
    raise AssertionError('unreachable')

  def _prepare(self) -> nodes_lib.Start:
    """Returns what starts this node of the program, bound to all places."""
    spec = factory.make_spec(self._config)
    program, _, _ = program_lib.make_program(self._config, spec, self._folder)
    starts = nodes_lib.prepare(
      program, lp.LaunchType.LOCAL_MULTI_THREADING, self._folder.logs, {}
    )
    bind(program, self._hosts)
    places = [
      Place(label, index)
      for label, nodes in program.groups.items()
      for index in range(len(nodes))
    ]
    return starts[places.index(self._place)]

  def _ticks(self) -> Iterator[None]:
    """Yields twice a second, for ever, and shows now and then that the node lives."""
    while True:
      if time.monotonic() >= self._next_beat:
        self._next_beat = time.monotonic() + _BEAT_SECONDS
        self._journal.beat()
      yield
      time.sleep(_POLL_SECONDS)

  def _waits_for(self) -> list[Place]:
    """Returns whose lives in earlier generations have to be over before it starts.

    The counter would get their reports, which it does not know what to make of; the
    others would report to an earlier counter. Replay may start: the learner saves
    through it.
    """
    counter = Place('counter')
    match self._place.role:
      case 'counter':
        everyone = make_places(self._config)
        return [place for place in everyone if place not in (counter, Place(MAIN))]
      case 'replay':
        return []
      case _:
        return [counter]

  def _has_to_wait(self) -> bool:
    return any(
      other.is_alive() and other.read()['generation'] < self._journal.generation
      for other in self._predecessors
    )

  def _end_of_run(self) -> _End | None:
    """Returns how this life ends once the run is over, or has a new generation."""
    if self._folder.is_finished(self._config.steps):
      return _End(0, journal_lib.STOPPED)
    if failure := conductor.read_failure(self._folder, since=self._began):
      return _End(1, journal_lib.STOPPED, failure)
    newest = self._journal.newest_generation()
    if newest > self._journal.generation:
      if self._place.role != 'replay':
        return _AGAIN
      self._journal.adopt(newest)  # It has more than its newest checkpoint.
    return None

  def _note_return(self) -> None:
    if self._journal.read().get('state') != journal_lib.RETURNED:
      self._journal.end(journal_lib.RETURNED, steps=self._config.steps)

  def _give_up(self, error: str) -> _End:
    """Says so, and waits until main has said that the run has failed."""
    self._journal.end(journal_lib.GAVE_UP, error)
    deadline = time.monotonic() + conductor.NOTICE_SECONDS
    for _ in self._ticks():
      if self._end_of_run() or time.monotonic() > deadline:
        break
    return _End(1, journal_lib.GAVE_UP, error)

  def _stop_by(self, number: int, node: nodes_lib.Node) -> _End:
    """Ends the node by a signal."""
    self._stop(node)
    end = node.poll()
    if end is None and self._place.role == program_lib.LEARNER:
      return _End(TRY_AGAIN, journal_lib.FAILED, 'the learner had no time to save')
    if end not in (None, nodes_lib.End.RETURNED):
      return _End(TRY_AGAIN, journal_lib.FAILED, node.error())
    return _End(128 + number, journal_lib.STOPPED)

  def _stop(self, node: nodes_lib.Node) -> None:
    """Ends the node in its turn: after the learner, if that saves through it."""
    deadline = time.monotonic() + conductor.SAVING_SECONDS
    self._wait_while(self._is_saved_through, deadline)
    node.stop()
    if self._place.role != program_lib.LEARNER:
      deadline = time.monotonic() + _END_SECONDS
    self._wait_while(lambda: node.poll() is None, deadline)

  def _is_saved_through(self) -> bool:
    """Returns whether the learner of this generation needs the node to save."""
    learner = Journal(self._folder, Place(program_lib.LEARNER))
    return (
      self._place.role in _SAVED_THROUGH
      and learner.is_alive()
      and learner.read()['generation'] == self._journal.generation
    )

  def _wait_while(self, condition: Callable[[], bool], deadline: float) -> None:
    for _ in self._ticks():
      if not condition() or time.monotonic() > deadline:
        return


def run(config: RunConfig, place: Place, hosts: Mapping[str, str], hold: float) -> int:
  """Runs a node; returns the exit code of its process.

  Args:
    config: settings of the run.
    place: of the node.
    hosts: of those that are called, by service.
    hold: seconds for which a run that has failed is not started again: an engine that
      starts again whatever ends badly gives up in the meantime.

  Raises:
    UserError: there is no such node, or main cannot use the folder.
  """
  if place not in make_places(config):
    counts = f'{config.actors} actors, {config.argmax_nodes} arg max nodes'
    raise UserError(f'the run has no {place.title}: it has {counts}')
  is_learner = place.role == program_lib.LEARNER
  limits = config.learner_limits if is_learner else processes.thread_limits(1)
  os.environ.update(limits)
  folder = RunFolder(config.run)
  if failure := conductor.read_failure(folder, since=time.time() - hold):
    print(f'{place.name}: the run has failed: {failure}', file=sys.stderr)
    return 1
  if folder.is_finished(config.steps):
    print(f'{place.name}: the run has finished before')
    return 0
  if place.role == MAIN:
    return conductor.run(config, hosts)
  folder.make()
  folder.logs.mkdir(exist_ok=True)
  logging.use_absl_handler()  # As the processes of a run on one machine do.
  logging.set_verbosity(logging.INFO)
  with screen.output_to(folder.logs / f'{place.name}.log') as console:
    end = _NodeRun(config, place, hosts).run(console)
  if end is _AGAIN:
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
  return end.code


def exit_at_once(code: int) -> None:
  """Ends the process with this code, whatever its threads are at."""
  sys.stdout.flush()
  sys.stderr.flush()
  os._exit(code)
