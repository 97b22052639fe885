"""The arg max over candidates, by hand and against a loop. B, N, A: see types."""

import numpy as np
import pytest
import tensorflow as tf

from qmle_acme.agents.qmle.argmax import best_of, with_cached
from qmle_acme.types import Candidates, Tensor


def _candidates(actions: object, proposers: list[int]) -> Candidates:
  return Candidates(tf.constant(actions, tf.float32), tf.constant(proposers, tf.int32))


def _largest_first(actions: Tensor) -> tuple[Tensor, Tensor]:
  """Returns where the first coordinate is largest, and twice that coordinate."""
  first = actions[..., 0]
  best = tf.argmax(first, axis=1, output_type=tf.int32)
  return best, 2.0 * tf.reduce_max(first, axis=1)


def test_best_of_each_state_by_hand() -> None:
  candidates = _candidates(
    [
      [[1.0, 10.0], [3.0, 11.0], [2.0, 12.0]],
      [[-1.0, 13.0], [-4.0, 14.0], [-9.0, 15.0]],
    ],
    [0, 0, 1],
  )
  result = best_of(candidates, *_largest_first(candidates.actions), proposers=2)
  np.testing.assert_array_equal(result.action, [[3.0, 11.0], [-1.0, 13.0]])
  np.testing.assert_array_equal(result.value, [6.0, -2.0])
  np.testing.assert_array_equal(result.winners, [[True, False], [True, False]])


def test_cached_action_is_the_last_candidate() -> None:
  candidates = _candidates([[[1.0], [2.0]], [[3.0], [4.0]]], [0, 1])
  extended = with_cached(candidates, tf.constant([[9.0], [4.0]]), proposer=5)
  np.testing.assert_array_equal(extended.actions[..., 0], [[1, 2, 9], [3, 4, 4]])
  np.testing.assert_array_equal(extended.proposers, [0, 1, 5])
  assert extended.proposers.dtype == tf.int32
  result = best_of(extended, *_largest_first(extended.actions), proposers=6)
  np.testing.assert_array_equal(result.action, [[9.0], [4.0]])
  # All that have proposed the winner have won: in the second state the cache, too.
  winners = [np.flatnonzero(row).tolist() for row in result.winners]
  assert winners == [[5], [1, 5]]


def test_one_candidate_is_the_best() -> None:
  candidates = _candidates([[[-3.0]]], [4])
  result = best_of(candidates, *_largest_first(candidates.actions), proposers=5)
  assert (float(result.action), float(result.value)) == (-3, -6)
  np.testing.assert_array_equal(result.winners, [[False] * 4 + [True]])


@pytest.mark.parametrize('seed', range(8))
def test_agrees_with_a_loop(seed: int) -> None:
  random = np.random.default_rng(seed)
  batch, count, size = random.integers(1, [40, 300, 5])
  actions = random.normal(size=(batch, count, size)).astype(np.float32)
  best = random.integers(count, size=batch).astype(np.int32)
  values = random.normal(size=batch).astype(np.float32)
  proposers = random.integers(4, size=count).astype(np.int32)

  @tf.function(autograph=False)
  def compiled(actions: Tensor) -> object:
    candidates = Candidates(actions, tf.constant(proposers))
    return best_of(candidates, tf.constant(best), tf.constant(values), proposers=4)

  action, value, winners = compiled(tf.constant(actions))
  for b in range(batch):
    np.testing.assert_array_equal(action[b], actions[b, best[b]])
    assert value[b] == values[b]
    assert np.flatnonzero(winners[b]) == [proposers[best[b]]]
