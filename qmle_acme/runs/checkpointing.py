"""Checkpoints of a run: replay by Reverb, everything else by TensorFlow."""

import contextlib
import errno
import os
import time
from collections.abc import Iterator, Mapping

import reverb
import tensorflow as tf
from absl import logging

from qmle_acme.agents import TFLearner, divergence
from qmle_acme.errors import UserError
from qmle_acme.runs import best_checkpoint, replay_checkpoints, screen, variable_files
from qmle_acme.runs.checkpoint_store import CheckpointStore, Stored
from qmle_acme.runs.recording import Recorder
from qmle_acme.runs.records import ACTOR_STEPS, LEARNER_STEPS, SAVED_STEPS, STAMPS
from qmle_acme.runs.run_folder import RunFolder


class NotSaved(Exception):
  """A checkpoint cannot be written; those before it are as they were."""


class Checkpointer:
  """Saves and restores learner, counts and replay together.

  Replay is saved last, since that takes long when it is full (docs/performance.md):
  after a kill in between, it goes on from an earlier checkpoint than the learner, and
  what is lost are the rows since then.
  """

  def __init__(
    self,
    folder: RunFolder,
    learner: TFLearner,
    counter: Recorder,
    replay: reverb.Client,
    minutes: float,
  ):
    """Initialises.

    Args:
      folder: of the run.
      learner: whose state is saved.
      counter: recorder of the run, or a client of it.
      replay: client of a server that `replay_checkpoints.make_checkpointer` is for.
      minutes: between periodic checkpoints.
    """
    self._folder = folder
    self._learner = learner
    self._counter = counter
    self._replay = replay
    self._seconds = 60.0 * minutes
    self._checkpoint = tf.train.Checkpoint(**learner.state)
    self._store = CheckpointStore(folder.learner_checkpoints)
    self._store.clear_aside()
    numbers = self._store.numbers() + replay_checkpoints.store(folder).numbers()
    self._number = max(numbers, default=0)
    self._last_save = time.monotonic()

  def restore(self) -> None:
    """Goes back to the newest checkpoint; without one, to the beginning.

    Raises:
      UserError: the checkpoint is not of such a learner.
    """
    stored = _newest(self._folder)
    if stored is not None:
      variable_files.read(stored, self._checkpoint)
    self._counter.restore({} if stored is None else dict(stored.counts))
    logging.info(
      'the run goes on from %s', stored.counts if stored else 'the beginning'
    )

  def save_if_due(self) -> None:
    """Saves when the last time is long enough ago.

    If that fails the recorder is told, and the run goes on from the checkpoint before.

    Raises:
      NotSaved: it failed, and there is no checkpoint before.
    """
    if time.monotonic() - self._last_save < self._seconds:
      return
    try:
      self.save()
    except NotSaved as error:
      if not self._store.numbers():
        raise
      logging.warning('%s', error)
      self._counter.warn(str(error))
    self._last_save = time.monotonic()

  def save(self) -> None:
    """Saves everything.

    Raises:
      NotSaved: the learner, or replay, cannot be written.
      Diverged: a variable is not finite; nothing is written.
    """
    steps = self._learner.steps
    divergence.check_state(steps, self._learner.state)
    # The learner reports its steps to the counter now and then: it knows them better.
    all_counts = self._counter.get_counts() | {LEARNER_STEPS: steps}
    counts = {name: all_counts.get(name, 0) for name in STAMPS}
    self._number += 1
    with _failing_as_not_saved(f'learner of {counts[ACTOR_STEPS]:,.0f} steps'):
      self._save_learner(counts)
    self._counter.note_checkpoint(int(counts[ACTOR_STEPS]))
    with _failing_as_not_saved(f'replay of {counts[ACTOR_STEPS]:,.0f} steps'):
      replay_checkpoints.save(self._folder, self._replay, self._number, counts)
    self._last_save = time.monotonic()

  def _save_learner(self, counts: Mapping[str, float]) -> None:
    self._store.clear_aside()
    try:
      variable_files.write(self._checkpoint, self._store.aside)
      self._store.keep(self._store.aside, self._number, counts)
    except Exception:
      self._store.clear_aside()
      raise


@contextlib.contextmanager
def _failing_as_not_saved(what: str) -> Iterator[None]:
  """Says in one line what could not be written, and why."""
  try:
    yield
  except Exception as error:  # Reverb has a full disk raised as an IndexError.
    found = str(error.strerror) if isinstance(error, OSError) else str(error)
    full = os.strerror(errno.ENOSPC)
    reason = full if full in found else ' '.join(found.split())
    raise NotSaved(f'cannot save the {what}: {reason}') from error


def read_counts(folder: RunFolder) -> dict[str, float]:
  """Returns the counts of the newest checkpoint that is whole; none without one."""
  stored = _newest(folder)
  return {} if stored is None else dict(stored.counts)


def read_resumed_counts(folder: RunFolder) -> dict[str, float]:
  """Returns the counts that the run goes on from; none if that is the beginning.

  Raises:
    UserError: what the status says was saved is not there, or is damaged: from the
      beginning, the records would be lost as well.
  """
  advice = 'put it back, or use another --run'
  counts = read_counts(folder)
  damages = CheckpointStore(folder.learner_checkpoints).damages()
  if damages and not counts:
    raise UserError(f'no checkpoint is whole: {"; ".join(damages)}; {advice}')
  lost = _lost(folder)
  if lost and not counts:
    raise UserError(f'{lost}: {advice}')
  replay_checkpoints.check(folder)
  return counts


def _lost(folder: RunFolder) -> str:
  """Returns what the status says was saved and where that should be, or nothing."""
  status = folder.read_status()
  # Without a name for them, any of the steps may have been saved.
  saved = status.get(SAVED_STEPS, status.get(ACTOR_STEPS, 0))
  where = folder.learner_checkpoints
  return f'the checkpoint of {saved:,} steps is not in {where}' if saved else ''


def forget_damaged(folder: RunFolder) -> list[str]:
  """Removes what is damaged or was never finished; returns a line for each damage.

  To be called once `read_resumed_counts` has found something whole to go on from.
  """
  lines = []
  for store in (
    CheckpointStore(folder.learner_checkpoints),
    replay_checkpoints.store(folder),
    best_checkpoint.store(folder),
  ):
    fallbacks = _fallbacks(store)
    lines += fallbacks
    if fallbacks:
      store.forget_damaged()
    store.clear_aside()
  return lines


def is_replay_behind(folder: RunFolder) -> bool:
  """Returns whether the newest checkpoint of replay is older than the learner's."""
  learners = CheckpointStore(folder.learner_checkpoints).numbers()
  replays = replay_checkpoints.store(folder).numbers()
  return max(replays, default=0) < max(learners, default=0)


def restore_parts(stored: Stored, **parts: tf.Module) -> None:
  """Gives parts of a learner the variables of a checkpoint.

  Args:
    stored: the checkpoint, as `newest` or `best_checkpoint.find` has it.
    parts: by their names in the learner's state; 'network' is enough to act.

  Raises:
    UserError: it has not all of the parts.
  """
  variable_files.read(stored, tf.train.Checkpoint(**parts))


def newest(folder: RunFolder) -> Stored:
  """Returns the learner's newest checkpoint that is whole; says if others are newer.

  Raises:
    UserError: the run has none yet, or all are damaged or lost.
  """
  store = CheckpointStore(folder.learner_checkpoints)
  stored, numbers = _newest(folder), store.numbers()
  if stored is None:
    if numbers:
      raise UserError(f'no checkpoint is whole: {"; ".join(store.damages())}')
    has_best = best_checkpoint.read_return(folder) is not None
    other = 'take the best policy so far (--best, or best=True)'
    lost = _lost(folder)
    advice = other if has_best else 'put it back' if lost else 'train first'
    raise UserError(f'{lost or f"{folder.path} has no checkpoint yet"}: {advice}')
  if stored.number < numbers[-1]:
    for line in _fallbacks(store):
      screen.note(line)
  return stored


def _fallbacks(store: CheckpointStore) -> list[str]:
  """Returns a line for each checkpoint that is damaged, with what follows from it."""
  return [f'{damage}: the checkpoint before it is used' for damage in store.damages()]


def _newest(folder: RunFolder) -> Stored | None:
  return next(CheckpointStore(folder.learner_checkpoints).whole(), None)
