"""The box: conversion to the environment and back, bins, and both ways to sample.

B batch, n samples, A action dimensions, K bins per dimension.
"""

import numpy as np
import pytest
import tensorflow as tf
from dm_env import specs
from hypothesis import given, settings
from hypothesis import strategies as st

from qmle_acme.actions import Box
from qmle_acme.types import Tensor

SPECS = {
  'asymmetric': specs.BoundedArray(
    (3,), np.float32, [-1.0, 0.0, 2.0], [3.0, 0.5, 10.0]
  ),
  'scalar': specs.BoundedArray((), np.float32, -2.0, 6.0),
  'matrix': specs.BoundedArray(
    (2, 3), np.float32, [[-1, -2, -3], [-4, -5, -6]], [[2, 2, 2], [1, 1, 1]]
  ),
  'double': specs.BoundedArray((2,), np.float64, [-1.58, 1e-3], [0.46, 7.1]),
  'shared_bounds': specs.BoundedArray((4,), np.float32, -0.1, 0.7),
}
every_spec = pytest.mark.parametrize('spec', SPECS.values(), ids=SPECS.keys())


def _seed(number: int) -> Tensor:
  return tf.constant([number, 0])


def _square(bins: int) -> Box:
  """Returns a box of two dimensions."""
  return Box(specs.BoundedArray((2,), np.float32, -1.0, 1.0), bins)


def _on_grid(actions: np.ndarray, bins: int) -> np.ndarray:
  """Returns which of the actions [..., A] are points of the grid, bool [...]."""
  return np.isin(actions, np.linspace(-1, 1, bins, dtype=np.float32)).all(axis=-1)


@every_spec
def test_environment_and_back_is_the_same_action(spec: specs.BoundedArray) -> None:
  space = Box(spec, 3)
  for action in np.random.default_rng(0).uniform(-1, 1, (50, space.size)):
    native = space.to_environment(action.astype(np.float32))
    spec.validate(native)
    back = space.from_environment(native)
    assert back.shape == (space.size,) and back.dtype == np.float32
    np.testing.assert_allclose(back, action, atol=2e-6)
    np.testing.assert_allclose(space.to_environment(back), native, atol=2e-6)


@every_spec
def test_ends_are_exactly_the_bounds(spec: specs.BoundedArray) -> None:
  space = Box(spec, 3)
  ones = np.ones(space.size, np.float32)
  for end, bound in ((-ones, spec.minimum), (ones, spec.maximum)):
    native = space.to_environment(end)
    np.testing.assert_array_equal(native, np.broadcast_to(bound, spec.shape))
    np.testing.assert_array_equal(space.from_environment(native), end)


@settings(derandomize=True, deadline=None)
@given(st.lists(st.integers(-500, 500), min_size=2, max_size=2, unique=True))
def test_ends_are_exactly_any_bounds_in_double_precision(bounds: list[int]) -> None:
  low, high = sorted(bound / 100 for bound in bounds)
  space = Box(specs.BoundedArray((1,), np.float64, low, high), 3)
  ends = [space.to_environment(np.array([end], np.float32)) for end in (-1, 1)]
  np.testing.assert_array_equal(ends, [[low], [high]])


def test_to_environment_by_hand() -> None:
  asymmetric = Box(SPECS['asymmetric'], 3)
  native = asymmetric.to_environment(np.array([-0.5, 0.0, 0.5], np.float32))
  np.testing.assert_allclose(native, [0.0, 0.25, 8.0])
  matrix = Box(SPECS['matrix'], 3)
  native = matrix.to_environment(np.zeros(6, np.float32))
  np.testing.assert_allclose(native, [[0.5, 0.0, -0.5], [-1.5, -2.0, -2.5]])
  scalar = Box(SPECS['scalar'], 3)
  assert scalar.to_environment(np.array([0.25], np.float32)) == 3.0


def test_action_outside_the_box_becomes_the_bound() -> None:
  space = Box(SPECS['asymmetric'], 3)
  native = space.to_environment(np.array([1.001, -7.0, 0.0], np.float32))
  np.testing.assert_array_equal(native, np.array([3.0, 0.0, 6.0], np.float32))
  beyond = space.from_environment(np.array([3.5, -1.0, 6.0]))
  np.testing.assert_array_equal(beyond, [1.0, -1.0, 0.0])


def test_dimension_of_no_width_is_none_of_the_agents() -> None:
  space = Box(specs.BoundedArray((3,), np.float32, [-1, 0.3, -2], [1, 0.3, 2]), 3)
  assert space.size == 2 and space.bin_counts == (3, 3)
  native = space.to_environment(np.array([0.7, 0.5], np.float32))
  np.testing.assert_array_equal(native, np.array([0.7, 0.3, 1.0], np.float32))
  np.testing.assert_allclose(space.from_environment(native), [0.7, 0.5], rtol=1e-6)


def test_clip_by_hand() -> None:
  clipped = _square(3).clip(tf.constant([[-1.5, 0.3], [1.0, 1e9]]))
  np.testing.assert_array_equal(clipped, np.array([[-1, 0.3], [1, 1]], np.float32))


def test_grid_by_hand() -> None:
  np.testing.assert_array_equal(_square(3).from_bins([0, 1, 2]), [-1, 0, 1])
  np.testing.assert_array_equal(
    _square(5).from_bins([4, 3, 2, 1, 0]), [1, 0.5, 0, -0.5, -1]
  )


def test_nearest_bin_by_hand() -> None:
  actions = [-7.0, -1.0, -0.51, -0.49, 0.0, 0.49, 0.51, 1.0, 7.0]
  np.testing.assert_array_equal(
    _square(3).to_bins(actions), [0, 0, 0, 1, 1, 1, 2, 2, 2]
  )
  actions = [-0.76, -0.74, -0.26, -0.24, 0.24, 0.26, 0.74, 0.76]
  np.testing.assert_array_equal(_square(5).to_bins(actions), [0, 1, 1, 2, 2, 3, 3, 4])
  # Half-way points: to the even bin.
  np.testing.assert_array_equal(_square(3).to_bins([-0.5, 0.5]), [0, 2])


@pytest.mark.parametrize('dtype', [tf.int32, tf.int64])
def test_bins_survive_the_way_to_actions_and_back(dtype: tf.DType) -> None:
  for bins in (*range(2, 64), 255, 1000, 4097):
    space = _square(bins)
    actions = space.from_bins(tf.range(bins, dtype=dtype)).numpy()
    assert actions[0] == -1.0 and actions[-1] == 1.0, bins
    assert (np.diff(actions) > 0).all()
    indices = space.to_bins(actions)
    assert indices.dtype == tf.int32
    np.testing.assert_array_equal(indices, np.arange(bins))


def test_sample_uniform_covers_the_box_evenly() -> None:
  space = Box(SPECS['matrix'], 3)
  actions = space.sample_uniform((40, 500), _seed(1)).numpy()
  assert actions.shape == (40, 500, 6) and actions.dtype == np.float32
  assert actions.min() >= -1.0 and actions.max() <= 1.0
  flat = actions.reshape(-1, 6)
  for dimension in flat.T:
    counts, _ = np.histogram(dimension, bins=10, range=(-1, 1))
    np.testing.assert_allclose(counts, 2000, atol=5 * np.sqrt(2000 * 0.9))
  correlation = np.corrcoef(flat.T) - np.eye(6)
  assert np.abs(correlation).max() < 0.05


def test_sample_uniform_of_one_action() -> None:
  assert _square(3).sample_uniform((), _seed(0)).shape == (2,)


@pytest.mark.parametrize('bins', [3, 5])
@pytest.mark.parametrize('count', [0, 1, 2, 3, 10, 101])
def test_half_of_the_proposal_is_on_the_grid(count: int, bins: int) -> None:
  actions = _square(bins).sample_proposal((7, count), _seed(4)).numpy()
  assert actions.shape == (7, count, 2) and actions.dtype == np.float32
  assert (np.abs(actions) <= 1.0).all()
  np.testing.assert_array_equal(_on_grid(actions, bins).sum(axis=1), count // 2)


def test_proposal_covers_grid_and_box_evenly() -> None:
  actions = _square(3).sample_proposal((50, 720), _seed(2)).numpy().reshape(-1, 2)
  is_grid = _on_grid(actions, 3)
  points, counts = np.unique(actions[is_grid], axis=0, return_counts=True)
  assert len(points) == 9  # All corners among them.
  np.testing.assert_allclose(counts, 2000, atol=5 * np.sqrt(2000))
  counts, _ = np.histogramdd(actions[~is_grid], bins=3, range=[(-1, 1)] * 2)
  np.testing.assert_allclose(counts, 2000, atol=5 * np.sqrt(2000))


def test_states_get_candidates_of_their_own() -> None:
  actions = _square(3).sample_proposal((2, 50), _seed(0)).numpy()
  assert not np.isin(actions[0, :25], actions[1, :25]).any()
  assert (actions[0, 25:] != actions[1, 25:]).any()


def test_seed_decides_the_sample() -> None:
  space = _square(3)
  for sample in (space.sample_uniform, space.sample_proposal):
    first = sample((4, 30), _seed(1)).numpy()
    np.testing.assert_array_equal(first, sample((4, 30), _seed(1)))
    other = sample((4, 30), _seed(2)).numpy()
    assert (first[:, :15] != other[:, :15]).all()
    assert (first[:, 15:] != other[:, 15:]).any()
