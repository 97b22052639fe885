"""The second round: where it looks, that nothing is lost by it, and what it gains."""

from typing import Literal

import numpy as np
import pytest
import tensorflow as tf
from dm_env import specs

from qmle_acme import actions
from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.agents.qmle.argmax import best_of, neighbours, two_rounds
from qmle_acme.agents.qmle.networks import QMLENetwork
from qmle_acme.types import Candidates, Tensor

BOX = actions.make(specs.BoundedArray((6,), np.float32, -1.0, 1.0), 3)
HYBRID = actions.make(
  [specs.BoundedArray((2,), np.float32, 0.0, 5.0), specs.DiscreteArray(1000)], 3
)
SEED = tf.constant([1, 2])
PEAK = np.array([0.3, -0.7, 0.95, 0.1, 0.0, -0.2], np.float32)


def known(embeddings: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
  """The arg max of a hill whose top is at PEAK plus the embedding."""
  top = PEAK + embeddings[:, None, :1]
  values = -tf.reduce_sum((candidates - top) ** 2, axis=-1)
  return tf.argmax(values, 1, output_type=tf.int32), tf.reduce_max(values, 1)


def candidates_of(batch: int, count: int, seed: int) -> Candidates:
  drawn = BOX.sample_uniform((batch, count), tf.constant([seed, 0]))
  return Candidates(drawn, tf.range(count) % 3)


@pytest.mark.parametrize('count', [1, 2, 3, 4, 5, 10, 31])
def test_never_worse_than_the_first_round(count: int) -> None:
  embeddings = tf.random.stateless_normal([20, 1], [3, 4], stddev=0.1)
  candidates = candidates_of(20, count, 1)
  alone = best_of(candidates, *known(embeddings, candidates.actions), proposers=8)
  both = two_rounds(known, BOX, embeddings, candidates, 8, 7, 8, SEED)
  assert (both.value >= alone.value).numpy().all()
  kept = both.value == alone.value
  np.testing.assert_array_equal(both.action[kept], alone.action[kept])
  np.testing.assert_array_equal(both.winners[kept], alone.winners[kept])
  won = both.winners[~kept].numpy()
  assert won[:, 7].all() and not won[:, :7].any()
  _, value = known(embeddings, both.action[:, None])
  np.testing.assert_allclose(both.value, value, rtol=1e-6)


@pytest.mark.parametrize(('count', 'most'), [(100, 0.7), (1000, 0.4)])
def test_finds_more_than_one_round_of_as_many_candidates(
  count: int, most: float
) -> None:
  embeddings = tf.zeros([200, 1])
  whole = candidates_of(200, count, 1)
  one = best_of(whole, *known(embeddings, whole.actions), proposers=8)
  half = candidates_of(200, count // 2, 1)
  two = two_rounds(known, BOX, embeddings, half, count // 2, 7, 8, SEED)
  # At the top the value is 0.
  assert np.mean(two.value) > most * np.mean(one.value)


def test_the_last_candidate_is_the_last_of_a_call() -> None:
  seen: list[Tensor] = []

  def argmax(embeddings: Tensor, candidates: Tensor) -> tuple[Tensor, Tensor]:
    seen.append(candidates)
    return known(embeddings, candidates)

  candidates = candidates_of(2, 11, 1)
  two_rounds(argmax, BOX, tf.zeros([2, 1]), candidates, 9, 7, 8, SEED)
  assert [x.shape for x in seen] == [(4, 6, 6), (2, 9, 6)]  # Two groups of each state.
  np.testing.assert_array_equal(seen[0][1::2, -1], candidates.actions[:, -1])
  grouped = tf.reshape(seen[0], [2, 12, 6]).numpy()
  for state in range(2):  # None is left out.
    assert len(np.unique(grouped[state], axis=0)) == 11


def test_neighbours_lie_near_in_turn() -> None:
  centres = tf.constant([[[-0.5] * 6, [0.5] * 6]])
  near = neighbours(BOX, tf.repeat(centres, 3, axis=0), 2000, SEED).numpy()
  assert np.abs(near).max() <= 1.0
  np.testing.assert_allclose(near[:, 0::2].mean(axis=(0, 1)), -0.5, atol=0.05)
  np.testing.assert_allclose(near[:, 1::2].mean(axis=(0, 1)), 0.5, atol=0.05)
  finest = near[:, 4::6]  # The last of three sizes.
  np.testing.assert_allclose((finest + 0.5).std(), 0.1, rtol=0.05)


def test_digits_mutate() -> None:
  centre = HYBRID.from_environment([np.array([1.0, 2.0]), 123])
  near = neighbours(HYBRID, tf.constant(centre[None, None]), 3000, SEED)[0].numpy()
  np.testing.assert_array_equal(HYBRID.clip(near), near)
  changed = (near[:, 2:] != centre[2:]).sum(axis=1)
  # A third of three digits is drawn anew, and a tenth of that is what it was.
  np.testing.assert_allclose(changed.mean(), 0.9, atol=0.1)
  assert {0, 1, 2} <= set(changed)


def test_items_near_by_are_neighbours() -> None:
  features = np.random.default_rng(0).uniform(size=(5000, 2))
  space = actions.make(actions.ItemArray(features), 3)
  centre = tf.constant(space.from_environment(np.array(17))[None, None])
  near = neighbours(space, centre, 300, SEED)
  steps = space.inputs(near[0]) - space.inputs(centre[0])
  assert len(np.unique(near[0], axis=0)) > 50
  assert np.median(np.linalg.norm(steps, axis=1)) < 0.4  # Of any item it is 0.9.


@pytest.mark.parametrize('argmax', ['compiled', 'plain'])
def test_the_agent_keeps_its_budget_and_names_the_winner(
  argmax: Literal['compiled', 'plain'],
) -> None:
  config = QMLEConfig(hidden_size=16, second_round=0.5, argmax=argmax)
  network = QMLENetwork.make(BOX, 3, config, seed=1)
  assert network.proposers == ('uniform', 'delta', 'categorical', 'refined', 'cache')
  observations = tf.random.stateless_normal([50, 3], [5, 6])
  cached = tf.zeros([50, 6])
  result = network.argmax(observations, 40, SEED, cached)
  embeddings = network.embed(observations)
  first = network.ensemble.propose(embeddings, 20, SEED).actions
  first = tf.concat([first, cached[:, None]], axis=1)
  values = tf.reduce_max(network.q_values(embeddings, first), axis=1)
  of_result = network.q_values(embeddings, result.action[:, None])[:, 0]
  np.testing.assert_allclose(result.value, of_result, atol=1e-5)
  assert (result.value >= values - 1e-4).numpy().all()
  assert np.mean(result.winners[:, 3]) > 0.5
