"""A learner that has diverged says so, and keeps what can be looked at."""

import dataclasses
import pathlib
from typing import Any

import numpy as np
import pytest
import small_runs
import tensorflow as tf

from qmle_acme.agents import divergence
from qmle_acme.runs import inspection
from qmle_acme.runs.records import read_records
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.types import Sample, Transition

ONES = tf.ones([2])
SAMPLE = Sample(
  tf.constant([7, 8], tf.int64), ONES, Transition(ONES, ONES, ONES, ONES, ONES)
)


class WritingLearner:
  """A learner that does nothing but count how often it writes its metrics."""

  written = 0

  def write_metrics(self) -> None:
    self.written += 1


@pytest.fixture(scope='module')
def diverged(tmp_path_factory: pytest.TempPathFactory) -> small_runs.Training:
  """A run whose learner has diverged, by a step size of its own."""
  run = tmp_path_factory.mktemp('diverged') / 'run'
  qmle = dataclasses.replace(small_runs.QMLE, learning_rate=1e15)
  training = small_runs.Training(small_runs.make_config(run, steps=1_000, qmle=qmle))
  training.wait()
  return training


def test_run_ends_in_one_line_with_what_to_do(diverged: small_runs.Training) -> None:
  status = diverged.status()
  assert (diverged.process.returncode, status['state']) == (1, 'failed')
  batch = diverged.folder.path / 'diverged_batch.npz'
  assert status['error'].startswith('the learner has diverged: q_loss is ')
  assert f' (its batch: {batch}); a smaller learning rate may help' in status['error']


def test_batch_is_kept(diverged: small_runs.Training) -> None:
  batch = np.load(diverged.folder.path / 'diverged_batch.npz')
  assert batch['keys'].shape == (small_runs.QMLE.batch_size,)
  assert np.isfinite(batch['o_t']).all()


def test_metrics_up_to_then_are_written(diverged: small_runs.Training) -> None:
  records = read_records(diverged.folder.metrics)
  *_, last = (record for record in records if record['source'] == 'learner')
  step = f'at learner step {last["learner_steps"] + 1:,}'
  assert step in diverged.status()['error']
  assert last['learning_rate'] == pytest.approx(1e15)
  assert np.isfinite(last['q_loss'])


def test_loss_that_is_not_finite_is_kept_with_its_batch(tmp_path: pathlib.Path) -> None:
  folder = RunFolder(tmp_path)
  learner: Any = WritingLearner()
  metrics = {'q_loss': tf.constant(1.0), 'predictor_loss': tf.constant(np.nan)}

  with (
    pytest.raises(divergence.Diverged) as caught,
    inspection.kept_divergence(folder, learner),
  ):
    divergence.check_step(3, metrics, SAMPLE)

  path = folder.path / 'diverged_batch.npz'
  assert str(caught.value) == (
    f'the learner has diverged: predictor_loss is nan at learner step 3 '
    f'(its batch: {path}); a smaller learning rate may help'
  )
  batch = np.load(path)
  assert batch['keys'].tolist() == [7, 8]
  assert batch['o_t'].tolist() == [1.0, 1.0]
  assert learner.written == 1


def test_finite_steps_and_variables_pass() -> None:
  divergence.check_step(3, {'q_loss': tf.constant(1e38)}, SAMPLE)
  divergence.check_state(3, {'steps': tf.Variable(3), 'w': tf.Variable([1e38])})


def test_variable_that_is_not_finite_is_found_by_its_part() -> None:
  state = {'steps': tf.Variable(3), 'network': tf.Variable([1.0, np.inf])}
  with pytest.raises(divergence.Diverged, match='variable of its network is not fin'):
    divergence.check_state(3, state)
