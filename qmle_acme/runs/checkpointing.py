"""Checkpoints of a run: replay by Reverb, everything else by TensorFlow."""

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator

import reverb
import tensorflow as tf
from absl import logging

from qmle_acme.agents import TFLearner
from qmle_acme.errors import UserError, unreadable
from qmle_acme.runs.recording import (
  ACTOR_STEPS,
  LEARNER_STEPS,
  SAVED_STEPS,
  STAMPS,
  Recorder,
)
from qmle_acme.runs.run_folder import RunFolder

# What Reverb writes last of all into a checkpoint's folder.
_REPLAY_DONE = 'DONE'
# What TensorFlow writes last of all, and never in part: it names the newest checkpoint.
_LEARNER_DONE = 'checkpoint'


class _Counts(tf.train.experimental.PythonState):
  """The run's counts, inside the checkpoint of the learner."""

  def __init__(self) -> None:
    self.values: dict[str, float] = {}

  def serialize(self) -> str:
    """Returns the counts as text."""
    return json.dumps(self.values)

  def deserialize(self, string_value: bytes) -> None:
    """Takes the counts from text."""
    self.values = json.loads(string_value)


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
      replay: client of a server whose checkpoints go to the run folder.
      minutes: between periodic checkpoints.
    """
    self._learner = learner
    self._counter = counter
    self._replay = replay
    self._seconds = 60.0 * minutes
    self._counts = _Counts()
    self._last_save = time.monotonic()
    self._manager = tf.train.CheckpointManager(
      tf.train.Checkpoint(counts=self._counts, **learner.state),
      str(folder.learner_checkpoints),
      max_to_keep=1,
    )

  def restore(self) -> None:
    """Goes back to the newest checkpoint; without one, to the beginning."""
    self._manager.restore_or_initialize()
    self._counter.restore(self._counts.values)
    logging.info('the run goes on from %s', self._counts.values or 'the beginning')

  def save_if_due(self) -> None:
    """Saves when the last time is long enough ago."""
    if time.monotonic() - self._last_save >= self._seconds:
      self.save()

  def save(self) -> None:
    """Saves everything."""
    steps = self._learner.steps
    # The learner reports its steps to the counter now and then: it knows them better.
    counts = self._counter.get_counts() | {LEARNER_STEPS: steps}
    self._counts.values = {name: counts.get(name, 0) for name in STAMPS}
    self._manager.save(checkpoint_number=steps)
    self._counter.note_checkpoint(int(self._counts.values[ACTOR_STEPS]))
    self._replay.checkpoint()
    self._last_save = time.monotonic()


def read_counts(folder: RunFolder) -> dict[str, float]:
  """Returns the counts of the newest checkpoint; none without one.

  Raises:
    UserError: it cannot be read.
  """
  counts = _Counts()
  latest = _latest(folder)
  if latest is not None:
    _restore(latest, counts=counts)
  return counts.values


def read_resumed_counts(folder: RunFolder) -> dict[str, float]:
  """Returns the counts that the run goes on from; none if that is the beginning.

  Raises:
    UserError: what the status says was saved is not there, or cannot be read: from the
      beginning, the records would be lost as well.
  """
  advice = f'put it back, use another --run, or delete {folder.path} to start anew'
  try:
    counts = read_counts(folder)
  except UserError as error:
    raise UserError(f'{error}; {advice}') from error
  status = folder.read_status()
  # Without a name for them, any of the steps may have been saved.
  saved = status.get(SAVED_STEPS, status.get(ACTOR_STEPS, 0))
  if saved and not counts:
    where = folder.learner_checkpoints
    raise UserError(f'the checkpoint of {saved:,} steps is not in {where}: {advice}')
  return counts


def is_replay_behind(folder: RunFolder) -> bool:
  """Returns whether the newest checkpoint of replay is older than the learner's."""
  latest = _latest(folder)
  if latest is None:
    return False
  saved = os.stat(f'{latest}.index').st_mtime_ns
  marks = folder.replay_checkpoints.glob(f'*/{_REPLAY_DONE}')
  return all(mark.stat().st_mtime_ns < saved for mark in marks)


def forget_unfinished_replay(folder: RunFolder) -> None:
  """Removes checkpoints of replay that a kill has cut short; Reverb never would."""
  for path in folder.replay_checkpoints.glob('*'):
    if not (path / _REPLAY_DONE).exists():
      shutil.rmtree(path)


def restore_network(folder: RunFolder, network: tf.Module) -> dict[str, float]:
  """Gives a network the variables of the newest checkpoint, and returns its counts.

  Args:
    folder: of the run.
    network: as its learner's state has it under 'network'.

  Raises:
    UserError: the run has no checkpoint yet, or it cannot be read.
  """
  counts = _Counts()
  _restore(newest(folder), network=network, counts=counts)
  return counts.values


def newest(folder: RunFolder) -> str:
  """Returns the path of the learner's newest checkpoint.

  Raises:
    UserError: the run has none yet, or its name cannot be read.
  """
  latest = _latest(folder)
  if latest is None:
    raise UserError(f'{folder.path} has no checkpoint yet: train first')
  return latest


def _latest(folder: RunFolder) -> str | None:
  """Returns the path of the newest checkpoint; None without one.

  Raises:
    UserError: it is named, but not there, or the name cannot be read.
  """
  name = folder.learner_checkpoints / _LEARNER_DONE
  if not name.exists():
    return None
  latest = None
  with _silent(), contextlib.suppress(ValueError):
    latest = tf.train.latest_checkpoint(str(folder.learner_checkpoints))
  if latest is None:
    raise UserError(f'cannot read the checkpoint that {name} should name')
  return latest


@contextlib.contextmanager
def _silent() -> Iterator[None]:
  """Keeps TensorFlow from saying in many lines what we say in one."""
  logger = tf.get_logger()
  logger.disabled = True
  try:
    yield
  finally:
    logger.disabled = False


def _restore(path: str, **parts: tf.Module | _Counts) -> None:
  """Restores some of what a checkpoint holds.

  Raises:
    UserError: it is damaged, or holds something else.
  """
  try:
    tf.train.Checkpoint(**parts).restore(path).expect_partial()
  except (tf.errors.OpError, LookupError, ValueError) as error:
    raise unreadable(path, error) from error
