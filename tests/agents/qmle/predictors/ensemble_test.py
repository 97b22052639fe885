"""The candidate proposal: how the budget is split, who proposes what, and the loss."""

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np
import pytest
import tensorflow as tf
from dm_env import specs
from hypothesis import example, given, settings
from hypothesis import strategies as st

from qmle_acme.actions import Box, NoopArray
from qmle_acme.agents.qmle.predictors import (
  Ensemble,
  families,
  make_predictor,
  split_budget,
)
from qmle_acme.networks import ActionInQNetwork
from qmle_acme.types import Candidates, Tensor

_WIDTH = 16
_SPACE = Box(specs.BoundedArray((2,), np.float32, -1.0, 1.0), bins=3)
_DEFAULT = (0.9, 0.01, 0.09)
_SEED = tf.constant([5, 6])


def _exact_split(total: int, weights: Sequence[int]) -> list[int]:
  """The slow twin: largest remainder in exact fractions, ties to the earlier."""
  shares = [Fraction(total * weight, sum(weights)) for weight in weights]
  counts = [math.floor(share) for share in shares]
  while sum(counts) < total:
    remainders = [share - n for share, n in zip(shares, counts, strict=True)]
    counts[remainders.index(max(remainders))] += 1
  return counts


@pytest.mark.parametrize(
  ('total', 'ratios', 'counts'),
  [
    (100, _DEFAULT, [90, 1, 9]),
    (1000, _DEFAULT, [900, 10, 90]),
    (0, _DEFAULT, [0, 0, 0]),
    (1, _DEFAULT, [1, 0, 0]),
    (5, _DEFAULT, [5, 0, 0]),
    (10, _DEFAULT, [9, 0, 1]),
    (50, _DEFAULT, [45, 1, 4]),  # 0.5 and 4.5 are equal remainders.
    (20, (0.57, 0.31, 0.12), [12, 6, 2]),  # 0.4 twice, though not in binary.
    (2, (1 / 3, 1 / 3, 1 / 3), [1, 1, 0]),
    (7, (1.0,), [7]),
    (7, (0.0, 1.0), [0, 7]),
    (100, (0.7, 0.1, 0.1, 0.1), [70, 10, 10, 10]),
  ],
)
def test_split_by_hand(total: int, ratios: Sequence[float], counts: list[int]) -> None:
  assert split_budget(total, ratios) == counts


def test_default_split_of_every_budget() -> None:
  for total in range(1, 1201):
    assert split_budget(total, _DEFAULT) == _exact_split(total, (90, 1, 9)), total


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.integers(1, 1200), st.lists(st.integers(0, 999), min_size=1, max_size=7))
@example(20, [57, 31, 12])
def test_split_is_the_exact_one(total: int, weights: list[int]) -> None:
  weights = weights if any(weights) else [1, *weights]
  ratios = [weight / sum(weights) for weight in weights]
  counts = split_budget(total, ratios)
  assert counts == _exact_split(total, weights)
  assert counts == split_budget(total, ratios)
  assert sum(counts) == total and min(counts) >= 0
  for n, ratio in zip(counts, ratios, strict=True):
    assert abs(n - total * ratio) < 1 + 1e-9


@settings(derandomize=True, deadline=None, max_examples=200)
@given(st.integers(1, 1200), st.lists(st.floats(1e-6, 1.0), min_size=1, max_size=7))
def test_split_of_odd_ratios_sums_to_the_budget(
  total: int, weights: list[float]
) -> None:
  ratios = [weight / math.fsum(weights) for weight in weights]
  counts = split_budget(total, ratios)
  assert sum(counts) == total and min(counts) >= 0
  for n, ratio in zip(counts, ratios, strict=True):
    assert abs(n - total * ratio) < 1 + 1e-8


def _make(
  ratios: Sequence[float], names: Sequence[str], space: Box = _SPACE
) -> Ensemble:
  members = [make_predictor(families()[name](0.1), space, _WIDTH) for name in names]
  return Ensemble(space, members, ratios)


def _embeddings(batch: int) -> Tensor:
  return tf.random.stateless_normal([batch, _WIDTH], [0, batch])


def _on_grid(actions: Tensor) -> np.ndarray:
  """Returns which of the actions [B, N, A] are points of the grid, bool [B, N]."""
  return np.isin(actions, [-1.0, 0.0, 1.0]).all(axis=-1)


@pytest.mark.parametrize('compiled', [False, True])
def test_each_proposes_its_share_in_order(compiled: bool) -> None:
  ensemble = _make((0.5, 0.2, 0.3), ('delta', 'categorical'))
  embeddings = _embeddings(4)
  ensemble.loss(embeddings, tf.zeros([4, 2]))  # Creates the heads.
  propose = (
    tf.function(ensemble.propose, autograph=False) if compiled else (ensemble.propose)
  )
  actions, proposers = propose(embeddings, 20, _SEED)
  assert ensemble.names == ('uniform', 'delta', 'categorical')
  assert actions.shape == (4, 20, 2) and actions.dtype == tf.float32
  assert proposers.dtype == tf.int32
  np.testing.assert_array_equal(proposers, [0] * 10 + [1] * 4 + [2] * 6)
  assert (np.abs(actions) <= 1.0).all()
  # Half of the uniform ones and all the categorical ones are on the grid.
  np.testing.assert_array_equal(_on_grid(actions[:, :10]).sum(axis=1), [5] * 4)
  assert not _on_grid(actions[:, 10:14]).any()
  assert _on_grid(actions[:, 14:]).all()
  means = np.tanh(ensemble.predictors[0](embeddings))
  np.testing.assert_allclose(actions[:, 10], means, atol=1e-6)
  assert (np.abs(actions[:, 11:14] - means[:, None]) < 0.6).all()


@pytest.mark.parametrize('count', [1, 2, 3, 10, 100])
def test_any_number_of_candidates(count: int) -> None:
  ensemble = _make(_DEFAULT, ('delta', 'categorical'))
  candidates = ensemble.propose(_embeddings(3), count, _SEED)
  assert candidates.actions.shape == (3, count, 2)
  counts = np.bincount(candidates.proposers, minlength=3)
  np.testing.assert_array_equal(counts, split_budget(count, _DEFAULT))


def test_who_has_no_share_proposes_nothing() -> None:
  ensemble = _make((0.0, 0.0, 1.0), ('delta', 'categorical'))
  candidates = ensemble.propose(_embeddings(2), 9, _SEED)
  np.testing.assert_array_equal(candidates.proposers, [2] * 9)
  assert _on_grid(candidates.actions).all()


def test_order_of_the_members_is_that_of_the_names() -> None:
  ensemble = _make((0.0, 0.5, 0.5), ('categorical', 'delta'))
  candidates = ensemble.propose(_embeddings(2), 8, _SEED)
  assert ensemble.names == ('uniform', 'categorical', 'delta')
  np.testing.assert_array_equal(
    _on_grid(candidates.actions)[0], [True] * 4 + [False] * 4
  )


def test_half_of_the_uniform_share_is_near_an_action_that_does_nothing() -> None:
  noop = [0.25, -0.75]
  space = Box(NoopArray((2,), np.float32, -1.0, 1.0, noop), bins=3)
  ensemble = _make((0.8, 0.2), ('delta',), space)
  actions, proposers = ensemble.propose(_embeddings(3), 100, _SEED)
  assert ensemble.names == ('uniform', 'noop', 'delta')
  np.testing.assert_array_equal(proposers, [0] * 40 + [1] * 40 + [2] * 20)
  kept = (actions == np.array(noop, np.float32)).numpy().sum(axis=2)  # [3, 100]
  assert not kept[:, :40].any() and not kept[:, 80:].any()
  # Each of both dimensions is drawn anew half of the time.
  shares = np.bincount(kept[0, 40:80], minlength=3) / 40
  np.testing.assert_allclose(shares, [0.25, 0.5, 0.25], atol=0.2)
  np.testing.assert_array_equal(actions[0, :80], actions[2, :80])
  # What explores is of predictors alone.
  drawn = ensemble.sample_predictors(_embeddings(3), _SEED)
  means = np.tanh(ensemble.predictors[0](_embeddings(3)))
  np.testing.assert_allclose(drawn, means, atol=1e-6)


def test_seed_decides_the_candidates() -> None:
  ensemble = _make((0.5, 0.25, 0.25), ('delta', 'categorical'))

  def propose(seed: int) -> Candidates:
    return ensemble.propose(_embeddings(3), 40, tf.constant([1, seed]))

  first = propose(0).actions.numpy()
  np.testing.assert_array_equal(first, propose(0).actions)
  is_other = (first != propose(1).actions.numpy()).any(axis=-1)
  assert is_other[:, :10].all()  # Uniform in the box.
  assert is_other[:, 21:30].all()  # Delta, but for the head's own action.
  assert is_other[:, 30:].any()


def test_states_share_uniform_candidates_alone() -> None:
  ensemble = _make((0.5, 0.25, 0.25), ('delta', 'categorical'))
  actions = ensemble.propose(tf.zeros([2, _WIDTH]), 40, _SEED).actions.numpy()
  np.testing.assert_array_equal(actions[0, :20], actions[1, :20])
  assert (actions[0, 21:] != actions[1, 21:]).any(axis=-1).mean() > 0.5
  distinct = np.unique(actions[0, :10], axis=0)  # In the box.
  assert len(distinct) == 10


def test_members_draw_with_seeds_of_their_own() -> None:
  ensemble = _make((0.0, 0.5, 0.5), ('categorical', 'categorical'))
  embeddings = tf.zeros([2, _WIDTH])  # Of zeros every head makes even logits.
  actions = ensemble.propose(embeddings, 100, _SEED).actions.numpy()
  is_other = (actions[:, :50] != actions[:, 50:]).any(axis=-1)
  np.testing.assert_allclose(is_other.mean(), 8 / 9, atol=0.15)


def test_loss_is_the_sum_over_the_members() -> None:
  ensemble = _make(_DEFAULT, ('delta', 'categorical'))
  embeddings, actions = _embeddings(5), tf.random.stateless_uniform([5, 2], [1, 1])
  parts = [member.loss(member(embeddings), actions) for member in ensemble.predictors]
  loss = ensemble.loss(embeddings, actions)
  assert loss.shape == (5,)
  np.testing.assert_allclose(loss, parts[0] + parts[1], rtol=1e-5)


def test_loss_reaches_the_heads_and_stops_at_the_encoder() -> None:
  ensemble = _make(_DEFAULT, ('delta', 'categorical'))
  network = ActionInQNetwork(_SPACE, _WIDTH)
  with tf.GradientTape(persistent=True) as tape:
    embeddings = network.embed(tf.random.stateless_normal([5, 7], [2, 2]))
    tape.watch(embeddings)
    loss = ensemble.loss(embeddings, tf.random.stateless_uniform([5, 2], [1, 1]))
  assert tape.gradient(loss, embeddings) is None
  encoder = network.observation_encoder.trainable_variables
  assert encoder and all(g is None for g in tape.gradient(loss, encoder))
  heads = ensemble.trainable_variables
  assert len(heads) == 8  # Two layers of two heads, each with weights and biases.
  for gradient in tape.gradient(loss, heads):
    assert np.abs(gradient).max() > 0


def test_uniform_sampling_alone_has_nothing_to_learn() -> None:
  ensemble = _make((1.0,), ())
  assert ensemble.propose(_embeddings(2), 6, _SEED).actions.shape == (2, 6, 2)
  loss = ensemble.loss(_embeddings(2), tf.zeros([2, 2]))
  np.testing.assert_array_equal(loss, [0.0, 0.0])


@pytest.mark.parametrize('family', families())
def test_every_family_that_settings_know_can_be_made(family: str) -> None:
  assert make_predictor(families()[family](1.0), _SPACE, 16).name == family
