"""The delta predictor: its samples, its loss and the loss's gradient."""

import numpy as np
import pytest
import tensorflow as tf
from dm_env import specs

from qmle_acme.actions import Box
from qmle_acme.agents.qmle.predictors import DeltaConfig, Predictor, make_predictor
from qmle_acme.types import Tensor

_SEED = tf.constant([3, 4])


@pytest.fixture(scope='module')
def delta() -> Predictor:
  spec = specs.BoundedArray((2,), np.float32, [-3.0, 0.0], [1.0, 0.1])
  return make_predictor(DeltaConfig(1.0), Box(spec, 3), width=8)


@pytest.mark.parametrize('count', [1, 2, 50])
def test_first_sample_is_the_action_of_the_head(delta: Predictor, count: int) -> None:
  parameters = tf.constant([[0.0, 0.3], [-0.7, 20.0], [2.0, -1.0]])
  actions = delta.sample(parameters, count, _SEED)
  assert actions.shape == (3, count, 2)
  np.testing.assert_allclose(actions[:, 0], np.tanh(parameters), rtol=1e-6)


def test_no_samples(delta: Predictor) -> None:
  sample = tf.function(delta.sample, autograph=False)
  assert sample(tf.zeros([3, 2]), 0, _SEED).shape == (3, 0, 2)


def test_noise_is_a_tenth_of_the_half_width(delta: Predictor) -> None:
  means = np.array([[0.0, 0.4], [-0.4, 0.2]], np.float32)
  actions = delta.sample(tf.constant(np.arctanh(means)), 5001, _SEED).numpy()
  noise = actions[:, 1:] - means[:, None]
  np.testing.assert_allclose(noise.std(axis=1), 0.1, atol=0.005)
  np.testing.assert_allclose(noise.mean(axis=1), 0.0, atol=0.006)
  inside = (np.abs(noise) < 0.1).mean(axis=1)
  np.testing.assert_allclose(inside, 0.683, atol=0.03)  # As of a Gaussian.
  # Each state and each dimension has noise of its own.
  correlation = np.corrcoef(noise.transpose(0, 2, 1).reshape(4, -1)) - np.eye(4)
  assert np.abs(correlation).max() < 0.06


def test_samples_at_the_edge_are_clipped(delta: Predictor) -> None:
  actions = delta.sample(tf.constant([[9.0, -9.0]]), 2001, _SEED).numpy()[0, 1:]
  assert np.abs(actions).max() == 1.0
  np.testing.assert_allclose((actions == [1.0, -1.0]).mean(axis=0), 0.5, atol=0.06)


def test_seed_decides_the_samples(delta: Predictor) -> None:
  first = delta.sample(tf.zeros([2, 2]), 5, _SEED).numpy()
  np.testing.assert_array_equal(first, delta.sample(tf.zeros([2, 2]), 5, _SEED))
  other = delta.sample(tf.zeros([2, 2]), 5, _SEED + 1).numpy()
  assert (first[:, 1:] != other[:, 1:]).all()


def _loss_and_gradient(
  delta: Predictor, parameters: Tensor, actions: Tensor
) -> tuple[Tensor, Tensor]:
  with tf.GradientTape() as tape:
    tape.watch(parameters)
    loss = delta.loss(parameters, actions)
  return loss, tape.gradient(loss, parameters)


def test_loss_and_gradient_by_hand(delta: Predictor) -> None:
  half = np.arctanh(0.5)
  parameters = tf.constant([[half, 0.0], [-half, half]], tf.float32)
  actions = tf.constant([[1.0, -0.25], [-0.5, 0.5]])
  loss, gradient = _loss_and_gradient(delta, parameters, actions)
  np.testing.assert_allclose(loss, [0.5**2 + 0.25**2, 0.0], atol=1e-6)
  # 2 (tanh - a) (1 - tanh^2)
  by_hand = [[2 * -0.5 * 0.75, 2 * 0.25 * 1.0], [0.0, 0.0]]
  np.testing.assert_allclose(gradient, by_hand, atol=1e-6)


@pytest.mark.parametrize('size', [20.0, 1e4, 1e30])
def test_gradient_is_finite_where_tanh_is_flat(delta: Predictor, size: float) -> None:
  parameters = tf.constant([[size, -size], [size, -size]])
  actions = tf.constant([[1.0, -1.0], [-1.0, 1.0]])
  loss, gradient = _loss_and_gradient(delta, parameters, actions)
  np.testing.assert_allclose(loss, [0.0, 8.0], atol=1e-6)
  assert np.isfinite(gradient).all()


def test_gradient_at_the_edge_of_the_box_leads_there(delta: Predictor) -> None:
  _, gradient = _loss_and_gradient(
    delta, tf.constant([[3.0, -3.0]]), tf.constant([[1.0, -1.0]])
  )
  assert gradient[0, 0] < 0 < gradient[0, 1]
