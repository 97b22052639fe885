"""A learner that has diverged says so, with its batch."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from qmle_acme.agents import divergence
from qmle_acme.runs import inspection
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.types import Sample, Transition

ONES = tf.ones([2])
SAMPLE = Sample(
  tf.constant([7, 8], tf.int64), ONES, Transition(ONES, ONES, ONES, ONES, ONES)
)


def test_batch_of_a_loss_that_is_not_finite_is_kept(tmp_path: pathlib.Path) -> None:
  folder = RunFolder(tmp_path)
  metrics = {'q_loss': tf.constant(1.0), 'predictor_loss': tf.constant(np.nan)}

  with pytest.raises(divergence.Diverged) as caught, inspection.kept_batch(folder):
    divergence.check_step(3, metrics, SAMPLE)

  path = folder.path / 'diverged_batch.npz'
  assert str(caught.value) == (
    f'the learner has diverged: predictor_loss is nan at learner step 3 '
    f'(its batch: {path})'
  )
  batch = np.load(path)
  assert batch['keys'].tolist() == [7, 8]
  assert batch['o_t'].tolist() == [1.0, 1.0]


def test_finite_steps_and_variables_pass() -> None:
  divergence.check_step(3, {'q_loss': tf.constant(1e38)}, SAMPLE)
  divergence.check_state(3, {'steps': tf.Variable(3), 'w': tf.Variable([1e38])})


def test_variable_that_is_not_finite_is_found_by_its_part() -> None:
  state = {'steps': tf.Variable(3), 'network': tf.Variable([1.0, np.inf])}
  with pytest.raises(divergence.Diverged, match='variable of its network is not fin'):
    divergence.check_state(3, state)
