"""Indices and hybrids: digits, encoding, sampling, and the way there and back.

n values of an index, A action dimensions, A' encoded size.
"""

import math
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
import tree
from dm_env import specs
from hypothesis import given, settings
from hypothesis import strategies as st

from qmle_acme import actions
from qmle_acme.actions import Discrete, Hybrid
from qmle_acme.actions.discrete import digit_counts
from qmle_acme.actions.support import MAX_VALUES
from qmle_acme.types import Tensor


def _seed(number: int) -> Tensor:
  return tf.constant([number, 0])


NEST = {
  'b': [specs.BoundedArray((2, 2), np.float64, -2.0, 6.0), specs.DiscreteArray(1000)],
  'a': (
    specs.BoundedArray((), np.float32, 0.0, 1.0),
    specs.BoundedArray((2,), np.int64, [-1, 5], [1, 6]),
    specs.BoundedArray((), bool, False, True),
  ),
}


@pytest.mark.parametrize(
  ('values', 'counts'),
  [
    (1, (1,)),
    (2, (2,)),
    (64, (64,)),
    (65, (8, 9)),
    (257, (6, 7, 7)),
    (10**6, (16, 16, 16, 16, 16)),
    (10**9, (10, 14, 14, 14, 14, 14, 14, 14)),
  ],
)
def test_digits_by_hand(values: int, counts: tuple[int, ...]) -> None:
  assert digit_counts(values) == counts


@settings(derandomize=True, deadline=None)
@given(st.integers(1, MAX_VALUES))
def test_digits_are_enough_and_few(values: int) -> None:
  counts = digit_counts(values)
  assert math.prod(counts) >= values > math.prod(counts[1:]) * (counts[0] - 1)
  assert sum(counts) <= max(64, 16 * math.log(values, 16) + 16)


@settings(derandomize=True, deadline=None, max_examples=25)
@given(st.data())
def test_every_index_goes_to_the_agent_and_back(data: st.DataObject) -> None:
  sizes = data.draw(st.lists(st.integers(2, MAX_VALUES), min_size=1, max_size=3))
  low = np.array([data.draw(st.integers(-(10**9), 10**9)) for _ in sizes])
  high = low + np.array(sizes) - 1
  space = Discrete(specs.BoundedArray(low.shape, np.int64, low, high))
  drawn = [
    data.draw(st.integers(a, b))
    for a, b in zip(low.tolist(), high.tolist(), strict=True)
  ]
  for native in (np.array(drawn), low, high):
    action = space.from_environment(native)
    assert action.dtype == np.float32 and action.shape == (space.size,)
    np.testing.assert_array_equal(space.to_environment(action), native)
    np.testing.assert_array_equal(space.clip(action), action)
    np.testing.assert_array_equal(space.from_bins(space.to_bins(action)), action)
    encoded = space.one_hot(tf.constant(action[None]))[0]
    np.testing.assert_array_equal(
      np.bincount(encoded.numpy().astype(int))[1], space.size
    )


def test_digits_and_encoding_by_hand() -> None:
  spec = specs.BoundedArray((2,), np.int32, [1, 0], [257, 2])  # 6 * 7 * 7 and 3.
  space = Discrete(spec)
  action = space.from_environment(np.array([101, 2]))  # 100 = 2 * 49 + 0 * 7 + 2.
  np.testing.assert_array_equal(action, [2, 0, 2, 2])
  encoded = space.one_hot(tf.constant(action))
  assert encoded.shape == (23,)
  np.testing.assert_array_equal(np.flatnonzero(encoded), [2, 6, 6 + 7 + 2, 20 + 2])
  # 5 * 49 + 1 * 7 + 5 = 257 is no action: the largest index is 256.
  np.testing.assert_array_equal(space.clip([[5.0, 1.0, 5.0, 9.0]]), [[5, 1, 4, 2]])
  np.testing.assert_array_equal(space.from_bins([[5, 6, 6, 0]]), [[5, 1, 4, 0]])
  beyond = space.to_environment(np.array([5, 6, 6, 2], np.float32))
  np.testing.assert_array_equal(spec.validate(beyond), [257, 2])


@pytest.mark.parametrize('values', [2, 7, 64, 100, 1000])
def test_every_index_is_as_likely(values: int) -> None:
  space = Discrete(specs.DiscreteArray(values))
  digits = space.sample_proposal((10, 20 * values), _seed(3)).numpy()
  assert digits.shape == (10, 20 * values, space.size)
  indices = digits.reshape(-1, space.size).astype(int) @ space._places
  counts = np.bincount(indices, minlength=values)
  assert len(counts) == values and counts.min() > 0
  chi_square = ((counts - 200.0) ** 2 / 200.0).sum()
  assert abs(chi_square - values + 1) < 5 * math.sqrt(2 * values)


@pytest.mark.parametrize('values', [10**6 + 3, 10**9])
def test_many_values_are_sampled_evenly_from_end_to_end(values: int) -> None:
  space = Discrete(specs.BoundedArray((2,), np.int64, [0, 0], [values - 1, 1]))
  digits = space.sample_uniform((100_000,), _seed(4)).numpy().astype(int)
  first = digits[:100].astype(np.float32)
  np.testing.assert_array_equal(space.clip(first), first)
  indices = digits[:, :-1] @ space._places[:-1]
  assert 0 <= indices.min() < values * 1e-3 and values * 0.999 < indices.max() < values
  counts, _ = np.histogram(indices, bins=10, range=(0, values))
  np.testing.assert_allclose(counts, 10_000, atol=5 * 95)
  assert digits[:, -1].mean() == pytest.approx(0.5, abs=0.01)


def test_size_of_what_the_network_sees_does_not_grow_with_the_number_of_actions() -> (
  None
):
  for k in range(1, 10):
    space = Discrete(specs.DiscreteArray(10**k))
    assert space.one_hot(tf.zeros([space.size])).shape[-1] <= 110


def _native(rng: np.random.Generator, spec: specs.BoundedArray) -> Any:
  draw = rng.uniform if spec.dtype.kind == 'f' else rng.integers
  low, high = np.asarray(spec.minimum), np.asarray(spec.maximum)
  top = high if spec.dtype.kind == 'f' else high.astype(int) + 1
  return np.asarray(draw(low, top, spec.shape)).astype(spec.dtype)


def test_nest_goes_to_the_agent_and_back() -> None:
  space = actions.make(NEST, bins=5)
  assert isinstance(space, Hybrid)
  # Continuous ones first, in the nest's order of sorted keys; 1000 has three digits.
  assert space.num_continuous == 1 + 4 and space.bin_counts[:5] == (5,) * 5
  assert space.bin_counts[5:] == (3, 2, 2, 10, 10, 10)
  assert space.index_counts == (3, 2, 2, 1000)
  rng = np.random.default_rng(0)
  for _ in range(20):
    native = tree.map_structure(lambda spec: _native(rng, spec), NEST)
    action = space.from_environment(native)
    np.testing.assert_allclose(action[0], 2 * native['a'][0] - 1, atol=1e-6)
    np.testing.assert_array_equal(action[5:7], native['a'][1] - [-1, 5])
    back = space.to_environment(action)
    tree.assert_same_structure(NEST, back)
    for spec, a, b in zip(
      tree.flatten(NEST), tree.flatten(native), tree.flatten(back), strict=True
    ):
      assert spec.validate(b).dtype == spec.dtype
      np.testing.assert_allclose(np.float64(a), np.float64(b), atol=1e-5)


def test_nest_is_sampled_and_encoded_part_by_part() -> None:
  space = actions.make(NEST, bins=5)
  proposal = space.sample_proposal((20, 100), _seed(1)).numpy()
  grid = np.isin(proposal[..., :5], np.linspace(-1, 1, 5, dtype=np.float32)).all(-1)
  np.testing.assert_array_equal(grid.sum(axis=1), 50)
  assert np.abs(proposal[..., :5]).max() <= 1.0
  last = np.array(space.bin_counts[5:]) - 1
  np.testing.assert_array_equal(proposal[..., 5:].max(axis=(0, 1)), last)
  np.testing.assert_array_equal(proposal[..., 5:].min(axis=(0, 1)), 0)
  np.testing.assert_array_equal(space.inputs(proposal), proposal[..., :5])
  one_hot = space.one_hot(tf.constant(proposal))
  assert one_hot.shape == (20, 100, 3 + 2 + 2 + 30)
  np.testing.assert_array_equal(tf.reduce_sum(one_hot, -1), 6.0)
  bins = space.to_bins(proposal)
  np.testing.assert_array_equal(space.from_bins(bins)[..., 5:], proposal[..., 5:])
  for action in proposal[0, :10]:
    tree.map_structure(lambda s, a: s.validate(a), NEST, space.to_environment(action))


@pytest.mark.parametrize(
  'nest', [[specs.DiscreteArray(3)], (specs.BoundedArray((2,), np.float32, 0.0, 1.0),)]
)
def test_nest_of_one_kind(nest: Any) -> None:
  space = actions.make(nest, bins=3)
  action = space.sample_uniform((), _seed(0))
  assert action.shape == (space.size,)
  native = space.to_environment(action.numpy())
  tree.map_structure(lambda spec, value: spec.validate(value), nest, native)
  np.testing.assert_allclose(space.from_environment(native), action, atol=1e-6)
