"""Running statistics of observations: by hand, and whatever their size."""

import numpy as np
import pytest
import tensorflow as tf

from qmle_acme.networks.running_norm import RunningNorm


def test_statistics_by_hand() -> None:
  norm = RunningNorm()
  np.testing.assert_array_equal(norm(tf.constant([[3.0, -20.0]])), [[3.0, -10.0]])
  norm.update(tf.constant([[1.0, 0.0], [3.0, 0.0]]))
  np.testing.assert_allclose(norm.mean, [2, 0])
  np.testing.assert_allclose(norm.deviation, [1, 0])
  norm.update(tf.constant([[5.0, 0.0], [7.0, 4.0]]))
  # Of 1, 3, 5, 7 and 0, 0, 0, 4.
  np.testing.assert_allclose(norm.mean, [4, 1])
  np.testing.assert_allclose(norm.deviation, [5**0.5, 3**0.5], rtol=1e-6)
  assert float(norm.count) == 4.0
  expected = [[2 / 5**0.5, -1 / 3**0.5]]
  np.testing.assert_allclose(norm(tf.constant([[6.0, 0.0]])), expected, rtol=1e-6)


@pytest.mark.parametrize('scale', [1e-4, 1.0, 1e6, 1e30])
def test_many_batches_are_as_one(scale: float) -> None:
  rows = scale * np.random.default_rng(0).normal(3.0, [1.0, 0.1], size=(40, 8, 2))
  norm = RunningNorm()
  for batch in rows:
    norm.update(tf.constant(batch, tf.float32))
  flat = rows.reshape(-1, 2)
  np.testing.assert_allclose(norm.mean, flat.mean(axis=0), rtol=1e-5)
  np.testing.assert_allclose(norm.deviation, flat.std(axis=0), rtol=1e-3)
  normalised = norm(tf.constant(flat, tf.float32)).numpy()
  np.testing.assert_allclose(normalised.std(axis=0), 1.0, rtol=1e-3)


@pytest.mark.parametrize('value', [0.0, 1e-30, 0.1, 1e7, -3e38])
def test_what_stands_still_is_nearly_zero(value: float) -> None:
  norm = RunningNorm()
  for _ in range(100):
    norm.update(tf.fill([16, 1], value))
  assert np.abs(norm(tf.fill([1, 1], value))).max() < 0.01
  assert np.isfinite(norm(tf.constant([[1.0]]))).all()


def test_what_was_seen_long_ago_fades() -> None:
  norm = RunningNorm()
  norm.update(tf.zeros([2, 1]))
  norm.count.assign(1e9)
  for _ in range(40):
    norm.update(tf.ones([200_000, 1]))
  assert float(norm.mean[0]) > 0.99
