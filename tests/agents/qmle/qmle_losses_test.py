"""The losses of a learner step, on numbers worked out by hand."""

import numpy as np
import pytest
import tensorflow as tf

from qmle_acme.agents.qmle import losses


@pytest.mark.parametrize(
  ('exponent', 'expected'),
  [
    (0.0, [1.0, 1.0, 1.0]),
    (0.2, [4**-0.2, 2**-0.2, 1.0]),
    (1.0, [0.25, 0.5, 1.0]),
  ],
)
@pytest.mark.parametrize('dtype', [tf.float32, tf.float64])
def test_importance_weights(
  exponent: float, expected: list[float], dtype: tf.DType
) -> None:
  probabilities = tf.constant([0.5, 0.25, 0.125], dtype)
  weights = losses.importance_weights(probabilities, exponent)
  assert weights.dtype == tf.float32
  np.testing.assert_allclose(weights, expected, rtol=1e-6)


def test_importance_weights_keep_ratios_of_tiny_probabilities() -> None:
  # Too small for float32, as the smallest of 1e6 items with spread priorities can be.
  probabilities = tf.constant([1e-50, 2e-50], tf.float64)
  weights = losses.importance_weights(probabilities, 1.0)
  np.testing.assert_allclose(weights, [1.0, 0.5], rtol=1e-6)


def test_bellman_target() -> None:
  r_t, d_t, q_max = (tf.constant(x) for x in ([1.0, 2.0], [0.5, 0.0], [4.0, 100.0]))
  with tf.GradientTape() as tape:
    tape.watch([r_t, q_max])
    target = losses.bellman_target(r_t, d_t, q_max)
  np.testing.assert_allclose(target, [3.0, 2.0])
  assert tape.gradient(target, [r_t, q_max]) == [None, None]


def test_q_loss_and_its_gradient() -> None:
  q_tm1, target, weights = tf.constant([1.0, 2.0]), [3.0, 1.0], [1.0, 0.5]
  with tf.GradientTape() as tape:
    tape.watch(q_tm1)
    loss, td_error = losses.q_loss(q_tm1, tf.constant(target), tf.constant(weights))
  np.testing.assert_allclose(loss, [4.0, 0.5])
  np.testing.assert_allclose(td_error, [2.0, -1.0])
  np.testing.assert_allclose(tape.gradient(loss, q_tm1), [-4.0, 1.0])  # -2 w td_error


def test_priorities() -> None:
  priorities = losses.priorities(tf.constant([-2.0, 0.0, 0.5]))
  np.testing.assert_allclose(priorities, [2.000001, 1e-6, 0.500001], rtol=1e-6)
