"""The arg max cache against a plain dict, through random operations and restarts."""

import pathlib
from collections.abc import Sequence

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from qmle_acme.agents.qmle.argmax import ArgmaxCache
from qmle_acme.types import Array, Tensor

SIZE = 2
_INT64 = np.iinfo(np.int64)
# Few keys, so that they return; the empty ring is full of zeros, so 0 has to be one.
_POOL = (_INT64.min, _INT64.min + 1, -7, -1, 0, 1, 2, 3, 2**32, 2**53 + 1, _INT64.max)
_KEYS = st.sampled_from(_POOL) | st.integers(_INT64.min, _INT64.max)


class _Twin:
  """The slow twin: a dict keeps the order of first insertion."""

  def __init__(self, capacity: int):
    self._capacity = capacity
    self.actions: dict[int, Array] = {}

  def update(self, keys: Sequence[int], actions: Array, values: Array) -> None:
    best: dict[int, float] = {}
    for key, action, value in zip(keys, actions, values, strict=True):
      if value >= best.get(key, -np.inf):
        best[key] = value
        self.actions[key] = action
    while len(self.actions) > self._capacity:
      del self.actions[next(iter(self.actions))]

  def lookup(self, keys: Sequence[int], default: Array) -> tuple[Array, list[bool]]:
    pairs = zip(keys, default, strict=True)
    found = [self.actions.get(key, fallback) for key, fallback in pairs]
    return np.array(found), [key in self.actions for key in keys]


def _tensor(keys: Sequence[int]) -> Tensor:
  return tf.constant(keys, tf.int64)


def _actions(count: int, start: int) -> Array:
  """Returns actions [count, A] that occur nowhere else, but for their `start`."""
  numbers = np.arange(start, start + count, dtype=np.float32)
  return np.stack([numbers, -numbers], axis=1)


def _values(keys: Sequence[int], seed: int) -> Array:
  """Returns random values [B], some of them equal."""
  return np.random.default_rng(seed).integers(3, size=len(keys)).astype(np.float32)


def _assert_same(cache: ArgmaxCache, twin: _Twin, keys: Sequence[int]) -> None:
  """Asserts that both know the same of these keys, and answer misses by the default."""
  default = _actions(len(keys), start=10_000)
  actions, is_hit = cache.lookup(_tensor(keys), tf.constant(default))
  expected, expected_hit = twin.lookup(keys, default)
  np.testing.assert_array_equal(is_hit, expected_hit)
  np.testing.assert_array_equal(actions, expected)
  assert len(cache) == len(twin.actions)


def _apply(
  cache: ArgmaxCache, twin: _Twin, batches: Sequence[Sequence[int]], start: int = 0
) -> None:
  """Updates both with each batch, and compares them after each."""
  seen: dict[int, None] = dict.fromkeys(_POOL)
  for i, keys in enumerate(batches):
    actions = _actions(len(keys), start + 100 * i)
    values = _values(keys, i)
    cache.update(_tensor(keys), tf.constant(actions), tf.constant(values))
    twin.update(keys, actions, values)
    seen |= dict.fromkeys(keys)
    _assert_same(cache, twin, [*seen, *seen])  # Twice: lookups take equal keys, too.


@st.composite
def _histories(draw: st.DrawFn) -> tuple[int, list[list[int]]]:
  """Returns a capacity C, and batches of at most C keys, equal ones among them."""
  capacity = draw(st.integers(1, 8))
  batch = st.lists(_KEYS, min_size=1, max_size=capacity)
  return capacity, draw(st.lists(batch, min_size=1, max_size=12))


@settings(derandomize=True, deadline=None, max_examples=40)
@given(_histories())
def test_agrees_with_a_dict(history: tuple[int, list[list[int]]]) -> None:
  capacity, batches = history
  _apply(ArgmaxCache(capacity, SIZE), _Twin(capacity), batches)


def test_full_cache_displaces_by_first_visit_not_by_last() -> None:
  cache = ArgmaxCache(2, SIZE)
  for i, key in enumerate([1, 2, 1, 3]):  # The second visit of 1 does not save it.
    cache.update(_tensor([key]), tf.constant(_actions(1, i)), tf.zeros(1))
  _, is_hit = cache.lookup(_tensor([1, 2, 3]), tf.zeros([3, SIZE]))
  np.testing.assert_array_equal(is_hit, [False, True, True])
  assert len(cache) == 2


def test_known_key_is_displaced_by_new_ones_of_its_own_batch() -> None:
  cache = ArgmaxCache(2, SIZE)
  cache.update(_tensor([1, 2]), tf.constant(_actions(2, 0)), tf.zeros(2))
  cache.update(_tensor([3, 1]), tf.constant(_actions(2, 10)), tf.zeros(2))
  actions, is_hit = cache.lookup(_tensor([1, 2, 3]), tf.zeros([3, SIZE]))
  np.testing.assert_array_equal(is_hit, [False, True, True])
  np.testing.assert_array_equal(actions, [[0, 0], [1, -1], [10, -10]])


@pytest.mark.parametrize(
  ('values', 'expected'),
  [([9.0, 1.0, 8.0], [1, -1]), ([8.0, 1.0, 9.0], [3, -3]), ([5.0, 7.0, 5.0], [3, -3])],
  ids=['first', 'last', 'equal'],
)
def test_of_equal_keys_the_best_action_counts(
  values: list[float], expected: list[int]
) -> None:
  cache = ArgmaxCache(4, SIZE)
  cache.update(_tensor([5, 6, 5]), tf.constant(_actions(3, 1)), tf.constant(values))
  actions, _ = cache.lookup(_tensor([5, 6]), tf.zeros([2, SIZE]))
  np.testing.assert_array_equal(actions, [expected, [2, -2]])
  assert len(cache) == 2


def test_the_value_of_an_earlier_batch_is_of_no_account() -> None:
  cache = ArgmaxCache(4, SIZE)
  for start, value in ((1, 9.0), (2, -9.0)):  # By another network, perhaps.
    cache.update(_tensor([5]), tf.constant(_actions(1, start)), tf.constant([value]))
  actions, _ = cache.lookup(_tensor([5]), tf.zeros([1, SIZE]))
  np.testing.assert_array_equal(actions, [[2, -2]])


def test_empty_cache_answers_with_the_default() -> None:
  cache = ArgmaxCache(3, SIZE)
  default = _actions(4, 1)
  actions, is_hit = cache.lookup(_tensor([0, 0, -1, 9]), tf.constant(default))
  assert not np.any(is_hit) and len(cache) == 0
  np.testing.assert_array_equal(actions, default)


@pytest.mark.parametrize('capacity', [4, 5, 8])
def test_lookup_and_update_in_one_graph(capacity: int) -> None:
  cache, twin = ArgmaxCache(capacity, SIZE), _Twin(capacity)

  @tf.function(autograph=False)
  def step(
    keys: Tensor, actions: Tensor, values: Tensor, default: Tensor
  ) -> tuple[Tensor, Tensor]:
    """As the learner does: what was known before, then the update."""
    before = cache.lookup(keys, default)
    cache.update(keys, actions, values)
    return before

  random = np.random.default_rng(capacity)
  for i in range(200):
    keys = random.choice(_POOL, size=4).tolist()
    actions, default = _actions(4, start=10 * i), _actions(4, start=-10 * i - 5)
    values = _values(keys, i)
    tensors = (tf.constant(x) for x in (actions, values, default))
    found, is_hit = step(_tensor(keys), *tensors)
    expected, expected_hit = twin.lookup(keys, default)
    np.testing.assert_array_equal(is_hit, expected_hit)
    np.testing.assert_array_equal(found, expected)
    assert found.shape == (4, SIZE)
    twin.update(keys, actions, values)
  _assert_same(cache, twin, _POOL)


def test_shapes_are_known_while_tracing() -> None:
  cache = ArgmaxCache(3, SIZE)

  @tf.function(autograph=False)
  def lookup(keys: Tensor) -> None:
    actions, _ = cache.lookup(keys, tf.zeros([5, SIZE]))
    assert actions.shape == (5, SIZE)  # The compiled kernel scores them.

  lookup(_tensor([1, 2, 3, 4, 5]))


@pytest.mark.parametrize('visits', [0, 1, 3, 30])  # Empty, partly filled, gone round.
def test_checkpoint_keeps_actions_and_order_of_eviction(
  tmp_path: pathlib.Path, visits: int
) -> None:
  random = np.random.default_rng(visits)
  batches = [random.choice(_POOL, size=2).tolist() for _ in range(visits + 20)]
  cache, twin = ArgmaxCache(5, SIZE), _Twin(5)
  _apply(cache, twin, batches[:visits])
  path = tf.train.Checkpoint(cache=cache).save(str(tmp_path / 'checkpoint'))

  restored = ArgmaxCache(5, SIZE)
  forgotten = tf.constant(_actions(2, 5))
  restored.update(_tensor([1, 77]), forgotten, tf.zeros(2))
  tf.train.Checkpoint(cache=restored).restore(path).assert_consumed()
  _assert_same(restored, twin, [*_POOL, 77])
  _apply(restored, twin, batches[visits:], start=5000)
