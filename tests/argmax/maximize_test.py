"""The arg max over candidates, by hand and against a loop. B, N, A: see types."""

import numpy as np
import pytest
import tensorflow as tf

from qmle_acme.argmax import maximize, with_cached
from qmle_acme.types import Candidates, Tensor


def _candidates(actions: object, proposers: list[int]) -> Candidates:
  return Candidates(tf.constant(actions, tf.float32), tf.constant(proposers, tf.int32))


def _first_coordinate(actions: Tensor) -> Tensor:
  """Returns values [B, N]: how large the first coordinate is."""
  return actions[..., 0]


def _doubled(actions: Tensor) -> Tensor:
  """Returns values [B, N]: twice the first coordinate."""
  return 2.0 * actions[..., 0]


def test_best_of_each_state_by_hand() -> None:
  candidates = _candidates(
    [
      [[1.0, 10.0], [3.0, 11.0], [2.0, 12.0]],
      [[-1.0, 13.0], [-4.0, 14.0], [-9.0, 15.0]],
    ],
    [0, 0, 1],
  )
  result = maximize(_first_coordinate, _doubled, candidates)
  np.testing.assert_array_equal(result.action, [[3.0, 11.0], [-1.0, 13.0]])
  # The exact value, not that which ranked it first.
  np.testing.assert_array_equal(result.value, [6.0, -2.0])
  np.testing.assert_array_equal(result.proposer, [0, 0])
  assert result.proposer.dtype == tf.int32


def test_first_of_equals_wins() -> None:
  candidates = _candidates(
    [[[0.0, 1.0], [5.0, 2.0], [5.0, 3.0]], [[7.0, 4.0], [7.0, 5.0], [7.0, 6.0]]],
    [2, 1, 0],
  )
  result = maximize(_first_coordinate, _doubled, candidates)
  np.testing.assert_array_equal(result.action, [[5.0, 2.0], [7.0, 4.0]])
  np.testing.assert_array_equal(result.proposer, [1, 2])


def test_cached_action_is_the_last_candidate() -> None:
  candidates = _candidates([[[1.0], [2.0]], [[3.0], [4.0]]], [0, 1])
  extended = with_cached(candidates, tf.constant([[9.0], [4.0]]), proposer=5)
  np.testing.assert_array_equal(extended.actions[..., 0], [[1, 2, 9], [3, 4, 4]])
  np.testing.assert_array_equal(extended.proposers, [0, 1, 5])
  assert extended.proposers.dtype == tf.int32
  result = maximize(_first_coordinate, _doubled, extended)
  np.testing.assert_array_equal(result.action, [[9.0], [4.0]])
  np.testing.assert_array_equal(
    result.proposer, [5, 1]
  )  # Equal is no win of the cache.


def test_one_candidate_is_the_best() -> None:
  result = maximize(_first_coordinate, _doubled, _candidates([[[-3.0]]], [4]))
  assert (float(result.action), float(result.value), int(result.proposer)) == (
    -3,
    -6,
    4,
  )


@pytest.mark.parametrize('seed', range(8))
@pytest.mark.parametrize('values', [2, 4, 1000])  # Few of them: many ties.
def test_agrees_with_a_loop(seed: int, values: int) -> None:
  random = np.random.default_rng(seed)
  batch, count, size = random.integers(1, [40, 300, 5])
  actions = random.normal(size=(batch, count, size)).astype(np.float32)
  scores = random.integers(values, size=(batch, count)).astype(np.float32) - values / 2
  proposers = random.integers(4, size=count).astype(np.int32)

  @tf.function(autograph=False)
  def compiled(actions: Tensor, scores: Tensor) -> object:
    candidates = Candidates(actions, tf.constant(proposers))
    return maximize(lambda _: scores, lambda best: best[..., 0], candidates)

  action, value, proposer = compiled(tf.constant(actions), tf.constant(scores))
  for b in range(batch):
    best = 0
    for n in range(count):
      if scores[b, n] > scores[b, best]:
        best = n
    np.testing.assert_array_equal(action[b], actions[b, best])
    assert (value[b], proposer[b]) == (actions[b, best, 0], proposers[best])
