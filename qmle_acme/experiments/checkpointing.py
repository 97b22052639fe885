"""Checkpoints of a run: replay by Reverb, everything else by TensorFlow."""

import json
import os
import shutil
import time

import reverb
import tensorflow as tf
from absl import logging
from acme.utils import counting

from qmle_acme.agents import TFLearner
from qmle_acme.errors import UserError
from qmle_acme.experiments.recording import LEARNER_STEPS, STAMPS
from qmle_acme.experiments.run_folder import RunFolder

# What Reverb writes last of all into a checkpoint's folder.
_REPLAY_DONE = 'DONE'


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
    counter: counting.Counter,
    replay: reverb.Client,
    minutes: float,
  ):
    """Initialises.

    Args:
      folder: of the run.
      learner: whose state is saved.
      counter: of the run, or a client of it.
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
    self._replay.checkpoint()
    self._last_save = time.monotonic()


def read_counts(folder: RunFolder) -> dict[str, float]:
  """Returns the counts of the newest checkpoint; none without one."""
  counts = _Counts()
  latest = tf.train.latest_checkpoint(str(folder.learner_checkpoints))
  if latest is not None:
    tf.train.Checkpoint(counts=counts).restore(latest).expect_partial()
  return counts.values


def is_replay_behind(folder: RunFolder) -> bool:
  """Returns whether the newest checkpoint of replay is older than the learner's."""
  latest = tf.train.latest_checkpoint(str(folder.learner_checkpoints))
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
    UserError: the run has no checkpoint yet.
  """
  latest = tf.train.latest_checkpoint(str(folder.learner_checkpoints))
  if latest is None:
    raise UserError(f'{folder.path} has no checkpoint yet: train first')
  counts = _Counts()
  checkpoint = tf.train.Checkpoint(network=network, counts=counts)
  checkpoint.restore(latest).expect_partial()
  return counts.values
