"""The factored categorical predictor: loss, samples, and what fitting it gives.

S states, A action dimensions, K bins, n samples.
"""

import numpy as np
import pytest
import sonnet as snt
import tensorflow as tf
from dm_env import specs

from qmle_acme.actions import Box
from qmle_acme.agents.qmle.predictors import (
  CategoricalConfig,
  Predictor,
  make_predictor,
)
from qmle_acme.types import Array, Tensor

_SEED = tf.constant([3, 4])
_SIZE = 2


def _make(bins: int) -> tuple[Box, Predictor]:
  space = Box(specs.BoundedArray((_SIZE,), np.float32, -1.0, 3.0), bins)
  return space, make_predictor(CategoricalConfig(1.0), space, width=16)


def _softmax(logits: Array) -> Array:
  exponentials = np.exp(logits - logits.max(axis=-1, keepdims=True))
  return exponentials / exponentials.sum(axis=-1, keepdims=True)


def test_loss_of_even_logits_by_hand() -> None:
  _, categorical = _make(3)
  loss = categorical.loss(tf.ones([1, 6]), tf.constant([[-1.0, 0.3]]))
  np.testing.assert_allclose(loss, [2 * np.log(3)], rtol=1e-6)


def test_loss_is_the_cross_entropy_with_the_nearest_bins() -> None:
  _, categorical = _make(3)
  logits = np.random.default_rng(0).normal(size=(4, _SIZE, 3), scale=2.0)
  actions = np.array([[-1.0, 1.0], [0.1, -0.4], [0.6, -0.6], [1.0, 0.0]], np.float32)
  bins = [[0, 2], [1, 1], [2, 0], [2, 1]]
  p = _softmax(logits)
  expected = [-sum(np.log(p[b, a, bins[b][a]]) for a in range(_SIZE)) for b in range(4)]
  parameters = tf.constant(logits.reshape(4, -1), tf.float32)
  np.testing.assert_allclose(categorical.loss(parameters, actions), expected, rtol=1e-5)


def test_gradient_is_softmax_less_target() -> None:
  _, categorical = _make(3)
  parameters = tf.constant([[1.0, 0.0, -1.0, 0.0, 0.0, 2.0]])
  with tf.GradientTape() as tape:
    tape.watch(parameters)
    loss = categorical.loss(parameters, tf.constant([[1.0, -1.0]]))
  gradient = tf.reshape(tape.gradient(loss, parameters), [_SIZE, 3])
  target = np.array([[0, 0, 1], [1, 0, 0]])
  expected = _softmax(parameters.numpy().reshape(_SIZE, 3)) - target
  np.testing.assert_allclose(gradient, expected, atol=1e-6)


def test_loss_is_finite_for_huge_logits() -> None:
  _, categorical = _make(3)
  parameters = tf.constant([[1e4, 0.0, -1e4, 0.0, 1e4, 0.0]])
  loss = categorical.loss(parameters, tf.constant([[1.0, 0.0]]))
  np.testing.assert_allclose(loss, [2e4], rtol=1e-6)


def _frequencies(actions: Array, grid: Array) -> Array:
  """Returns how often each point of the grid occurs, [S, A, K], in [S, n, A]."""
  return (actions[..., None] == grid).mean(axis=1)


@pytest.mark.parametrize('bins', [2, 3, 5])
def test_samples_are_on_the_grid_as_often_as_softmax_says(bins: int) -> None:
  space, categorical = _make(bins)
  logits = np.random.default_rng(bins).normal(size=(3, _SIZE, bins))
  parameters = tf.constant(logits.reshape(3, -1), tf.float32)
  actions = categorical.sample(parameters, 8000, _SEED).numpy()
  assert actions.shape == (3, 8000, _SIZE) and actions.dtype == np.float32
  frequencies = _frequencies(actions, space.from_bins(tf.range(bins)).numpy())
  np.testing.assert_allclose(frequencies.sum(axis=-1), 1.0, atol=1e-6)
  np.testing.assert_allclose(frequencies, _softmax(logits), atol=0.03)


@pytest.mark.parametrize('count', [0, 1])
def test_few_samples(count: int) -> None:
  _, categorical = _make(3)
  sample = tf.function(categorical.sample, autograph=False)
  assert sample(tf.zeros([4, 6]), count, _SEED).shape == (4, count, _SIZE)


def test_seed_decides_the_samples() -> None:
  _, categorical = _make(3)
  first = categorical.sample(tf.zeros([2, 6]), 50, _SEED).numpy()
  np.testing.assert_array_equal(first, categorical.sample(tf.zeros([2, 6]), 50, _SEED))
  assert (first != categorical.sample(tf.zeros([2, 6]), 50, _SEED + 1).numpy()).any()
  assert (first[0] != first[1]).any() and (first[..., 0] != first[..., 1]).any()


def test_fitting_converges_to_the_distribution_of_the_samples() -> None:
  tf.random.set_seed(0)
  space, categorical = _make(3)
  # Two states, each with its own distribution for each dimension.
  known = np.array([[[0.7, 0.2, 0.1], [0.1, 0.1, 0.8]], [[0.2, 0.5, 0.3], [1, 0, 0]]])
  random = np.random.default_rng(0)
  bins = [[random.choice(3, size=1000, p=p) for p in state] for state in known]
  actions = space.from_bins(np.array(bins).transpose(0, 2, 1)).numpy()  # [S, n, A]
  states = tf.eye(2)
  optimizer = snt.optimizers.Adam(0.02)

  @tf.function(autograph=False)
  def step(embeddings: Tensor, targets: Tensor) -> None:
    with tf.GradientTape() as tape:
      loss = tf.reduce_mean(categorical.loss(categorical(embeddings), targets))
    variables = categorical.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)

  categorical(states)  # Creates the head.
  for _ in range(150):
    step(tf.repeat(states, 1000, axis=0), tf.constant(actions.reshape(-1, _SIZE)))

  fitted = _softmax(categorical(states).numpy().reshape(2, _SIZE, 3))
  empirical = _frequencies(actions, np.array([-1.0, 0.0, 1.0]))
  np.testing.assert_allclose(fitted, empirical, atol=0.01)  # The likelihood's maximum.
  np.testing.assert_allclose(fitted, known, atol=0.05)
  drawn = categorical.sample(categorical(states), 4000, _SEED).numpy()
  frequencies = _frequencies(drawn, np.array([-1.0, 0.0, 1.0]))
  np.testing.assert_allclose(frequencies, known, atol=0.07)
