"""The compiled arg max against the plain layers: its slow twin."""

import os
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from dm_env import specs
from hypothesis import given, settings
from hypothesis import strategies as st

from qmle_acme import actions as action_spaces
from qmle_acme import kernels
from qmle_acme.actions import ActionSpace, Box
from qmle_acme.networks import ActionInQNetwork
from qmle_acme.types import Tensor

# What the winner may lack of the best value, as a share of the range of the values: the
# values of these random networks lie closer together than those of trained ones.
TOLERANCE = 0.02


def make_network(width: int, size: int, spread: float = 0.3) -> ActionInQNetwork:
  """Returns a network of a box, in which no bias is zero and no scale is one."""
  space = Box(specs.BoundedArray((size,), np.float32, -1.0, 1.0), 3)
  return make_network_of(space, width, spread)


def make_network_of(
  space: ActionSpace, width: int, spread: float = 0.3, **settings: Any
) -> ActionInQNetwork:
  """Returns a network of any space, in which no bias is zero and no scale is one."""
  tf.random.set_seed(width * space.size)
  network = ActionInQNetwork(space, width, **settings)
  network(network.embed(tf.zeros([1, 5])), tf.zeros([1, 1, space.size]))
  for i, variable in enumerate(network.trainable_variables):
    noise = tf.random.stateless_normal(variable.shape, [i, 7], stddev=spread)
    variable.assign_add(noise)
  return network


def make_inputs(batch: int, count: int, size: int) -> tuple[Tensor, Tensor]:
  """Returns observations [B, 5] and actions [B, N, A]."""
  observations = tf.random.stateless_normal([batch, 5], [batch, count])
  actions = tf.random.stateless_uniform([batch, count, size], [count, 3], -1, 1)
  return observations, actions


def check(
  network: ActionInQNetwork, embeddings: Tensor, actions: Tensor, atol: float = 1e-5
) -> np.ndarray:
  """Checks winner and value in each state; returns the winners [B].

  Args:
    network: of any width.
    embeddings: [B, H].
    actions: [B, N, A].
    atol: of values, over one plus their size.
  """
  expected = network(embeddings, actions).numpy()
  best, value = (tensor.numpy() for tensor in network.argmax(embeddings, actions))
  assert best.dtype == np.int32
  of_best = np.take_along_axis(expected, best[:, None], axis=1)[:, 0]
  size = 1.0 + np.abs(expected).max(axis=1)
  np.testing.assert_allclose(value / size, of_best / size, atol=atol)
  lack = expected.max(axis=1) - of_best
  assert (lack <= TOLERANCE * np.ptp(expected, axis=1) + atol * size).all()
  return best


def check_random(
  network: ActionInQNetwork, batch: int, count: int, size: int
) -> np.ndarray:
  """Checks the arg max over random candidates; returns the winners [B]."""
  observations, actions = make_inputs(batch, count, size)
  return check(network, network.embed(observations), actions)


@pytest.mark.parametrize('width', [16, 48, 128])
@pytest.mark.parametrize('size', [1, 6, 38])
@pytest.mark.parametrize(('batch', 'count'), [(1, 1000), (3, 24), (2, 25), (7, 101)])
def test_agrees_with_the_plain_layers(
  width: int, size: int, batch: int, count: int
) -> None:
  check_random(make_network(width, size), batch, count, size)


@pytest.mark.parametrize('size', [1, 2, 6, 12, 38])
def test_agrees_with_the_plain_layers_on_fourier_features(size: int) -> None:
  space = Box(specs.BoundedArray((size,), np.float32, -1.0, 1.0), 3)
  network = make_network_of(space, 128, 0.05, fourier_directions=20)
  best = check_random(network, 40, 101, size)
  # They are of account: without them the winners are others.
  features = network.action_encoder.features
  assert features
  features.directions.assign(tf.zeros([size, 80]))
  assert np.mean(best == check_random(network, 40, 101, size)) < 0.9


@settings(max_examples=25, deadline=None, derandomize=True)
@given(batch=st.integers(1, 5), count=st.integers(1, 60), size=st.integers(1, 70))
def test_every_shape(batch: int, count: int, size: int) -> None:
  check_random(make_network(16, size), batch, count, size)


INDICES = specs.BoundedArray((3,), np.int32, 0, [2, 10**9 - 1, 99])
SPACES = {
  'one index': specs.DiscreteArray(10),
  'items': action_spaces.ItemArray(np.random.default_rng(0).normal(size=(5000, 7))),
  'of many values': specs.DiscreteArray(10**9),
  'several': INDICES,
  'hybrid': {'a': INDICES, 'b': specs.BoundedArray((5,), np.float32, -1.0, 1.0)},
}


@pytest.mark.parametrize('directions', [0, 3])
@pytest.mark.parametrize('width', [16, 128])
@pytest.mark.parametrize('spec', SPACES.values(), ids=SPACES.keys())
def test_digits_are_looked_up_as_one_hot_ones_are_multiplied(
  spec: Any, width: int, directions: int
) -> None:
  space = action_spaces.make(spec, 3)
  network = make_network_of(space, width, fourier_directions=directions)
  observations, _ = make_inputs(7, 101, 1)
  actions = space.sample_uniform((7, 101), tf.constant([1, 2]))
  check(network, network.embed(observations), actions)


def test_no_digit_leads_out_of_the_weights() -> None:
  network = make_network_of(action_spaces.make(specs.DiscreteArray(100), 3), 16)
  embeddings = network.embed(tf.ones([1, 5]))
  for digit in (-1.0, 10.0, 1e9, -1e9, np.inf, np.nan):
    _, value = network.argmax(embeddings, tf.constant([[[digit, 4.0]]]))
    expected = network(embeddings, tf.constant([[[0.0, 4.0]]]))
    np.testing.assert_allclose(value[0], expected[0, 0], rtol=1e-5)


def test_nearly_always_the_same_winner() -> None:
  network = make_network(128, 6, spread=0.05)
  observations, actions = make_inputs(1000, 101, 6)
  embeddings = network.embed(observations)
  expected = np.concatenate(
    [
      network(embeddings[i : i + 100], actions[i : i + 100])
      for i in range(0, 1000, 100)
    ]
  ).argmax(axis=1)
  best, _ = network.argmax(embeddings, actions)
  assert np.mean(best == expected) >= 0.999


def test_the_last_candidate_is_never_lost_to_an_estimate() -> None:
  network = make_network(32, 6)
  observations, actions = make_inputs(40, 101, 6)
  embeddings = network.embed(observations)
  # So close together that estimates say little: but the best one is at the end, or at
  # the beginning.
  actions = 0.9 + 0.01 * actions.numpy()
  order = np.argsort(network(embeddings, tf.constant(actions)), axis=1)
  last = np.take_along_axis(actions, order[:, :, None], axis=1)
  first = last[:, ::-1]

  best, _ = network.argmax(embeddings, tf.constant(last))
  np.testing.assert_array_equal(best, 100)
  best, _ = network.argmax(embeddings, tf.constant(first))
  assert np.any(best != 0)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.integers(1, 4), st.integers(1, 90), st.integers(1, 20), st.integers(0, 99))
def test_first_of_equal_candidates_wins(
  batch: int, count: int, size: int, seed: int
) -> None:
  # Of two values in each dimension: with few dimensions nearly all repeat themselves,
  # with more than 16 some differ only where the hash does not look.
  network = make_network(16, size)
  random = np.random.default_rng(seed)
  actions = random.integers(2, size=(batch, count, size)).astype(np.float32)
  actions[:, :, : size - 2] = actions[:1, :1, : size - 2]
  embeddings = network.embed(tf.constant(random.normal(size=(batch, 5)), tf.float32))
  best = check(network, embeddings, tf.constant(actions))
  for state in range(batch):
    equal = (actions[state] == actions[state, best[state]]).all(axis=-1)
    assert best[state] == equal.argmax()


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
  st.integers(2, 5), st.integers(1, 110), st.floats(0, 1), st.booleans(), st.data()
)
def test_states_that_share_their_first_candidates(
  batch: int, count: int, share: float, is_grid: bool, data: st.DataObject
) -> None:
  # All of them, none, some; on a grid many are equal, and later ones equal shared ones.
  network = make_network(16, 3)
  observations, actions = make_inputs(batch, count, 3)
  own = np.round(actions.numpy()) if is_grid else actions.numpy()
  own[:, : round(share * count)] = own[:1, : round(share * count)]
  # Candidates of a single state are shared with none.
  state = data.draw(st.integers(0, batch - 1))
  embeddings = network.embed(observations)
  best = check(network, embeddings, tf.constant(own))
  (alone,) = check(
    network, embeddings[state : state + 1], tf.constant(own[state : state + 1])
  )
  values = network(embeddings, tf.constant(own)).numpy()[state]
  assert values[best[state]] == pytest.approx(
    values[alone], abs=TOLERANCE * np.ptp(values)
  )


def test_shared_candidates_have_the_winner_that_they_have_alone() -> None:
  network = make_network(128, 6, spread=0.05)
  observations, actions = make_inputs(600, 101, 6)
  own = actions.numpy()
  own[:, :90] = own[0, :90]
  embeddings = network.embed(observations)
  best, value = network.argmax(embeddings, tf.constant(own))
  assert 0.5 < np.mean(best < 90) < 1.0
  # Where larger terms cancel out, float32 keeps no five digits of their sum.
  states = np.flatnonzero(np.abs(value) > 0.2)[:300]
  assert len(states) == 300
  for state in states:
    alone, its_value = network.argmax(
      embeddings[state : state + 1], tf.constant(own[state : state + 1])
    )
    assert best[state] == alone[0]
    np.testing.assert_allclose(value[state], its_value[0], rtol=1e-5)


@pytest.mark.parametrize('scale', [1e-6, 1e3])
def test_weights_of_any_size(scale: float) -> None:
  network = make_network(32, 4)
  for linear in (network.block.inner, network.block.outer):
    linear.w.assign(linear.w * scale)
  check_random(network, 3, 50, 4)


def test_one_weight_may_dominate_its_column() -> None:
  network = make_network(32, 4, spread=0.01)
  for linear in (network.block.inner, network.block.outer):
    peaks = 100.0 * tf.eye(*linear.w.shape)
    linear.w.assign_add(peaks)
  check_random(network, 3, 50, 4)


def test_sums_of_products_do_not_overflow() -> None:
  # In each column of a layer all weights are the largest that integers hold, and so are
  # all inputs of the second layer for half of the candidates.
  network = make_network(128, 4, spread=0.0)
  inner, outer = network.block.inner, network.block.outer
  inner.w.assign(tf.ones([256, 256]))
  outer.w.assign(tf.ones([256, 1]) * tf.linspace(-0.01, 0.02, 256))
  observations, actions = make_inputs(1, 1000, 4)
  embeddings = network.embed(observations)
  candidates = network.action_encoder(actions[0])
  joint = tf.concat([tf.repeat(embeddings, 1000, axis=0), candidates], axis=1)
  hidden = tf.nn.relu(inner(joint))
  outer.b.assign(
    -tf.linalg.matvec(outer.w, tf.reduce_mean(hidden, 0), transpose_a=True)
  )
  # The value is likeness to the candidate with the middling sums: whoever takes a sum
  # for a smaller one finds another candidate.
  middling = np.argsort(hidden[:, 0])[500]
  features = network.norm(network.block(joint[middling : middling + 1]))
  network.output.w.assign(tf.transpose(features - tf.reduce_mean(features)))
  check(network, embeddings, actions, atol=1e-4)


def test_zeros_are_no_trouble() -> None:
  network = make_network(16, 2)
  for variable in network.trainable_variables:
    variable.assign(tf.zeros_like(variable))
  network.output.b.assign([3.0])
  best, value = network.argmax(tf.zeros([2, 16]), tf.zeros([2, 30, 2]))
  np.testing.assert_array_equal(best, [0, 0])
  np.testing.assert_array_equal(value, [3.0, 3.0])


def test_what_is_no_number_stays_none() -> None:
  network = make_network(16, 2)
  network.output.b.assign([np.nan])
  observations, actions = make_inputs(2, 30, 2)
  best, value = network.argmax(network.embed(observations), actions)
  assert np.isnan(value.numpy()).all()
  assert ((best.numpy() >= 0) & (best.numpy() < 30)).all()


@pytest.mark.parametrize(
  ('named', 'threads'),
  [('3', 3), (' 4,2', 4), *[(text, None) for text in ('', '0', 'many', '-1', ',2')]],
)
def test_threads_are_those_of_openmp(
  monkeypatch: pytest.MonkeyPatch, named: str, threads: int | None
) -> None:
  monkeypatch.setenv('OMP_NUM_THREADS', named)
  assert kernels.threads() == (threads or len(os.sched_getaffinity(0)))


def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
  network = make_network(32, 6)
  observations, actions = make_inputs(5, 101, 6)
  embeddings = network.embed(observations)
  results = []
  for threads in ('1', '2', '3', '64'):
    monkeypatch.setenv('OMP_NUM_THREADS', threads)
    results.append(network.argmax(embeddings, actions))
  for best, value in results[1:]:
    np.testing.assert_array_equal(results[0][0], best)
    np.testing.assert_array_equal(results[0][1], value)


def test_shape_is_known_in_the_graph() -> None:
  network = make_network(16, 2)

  @tf.function(autograph=False)
  def argmax(embeddings: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    best, value = network.argmax(embeddings, actions)
    assert best.shape == value.shape == (4,)
    return best, value

  argmax(tf.zeros([4, 16]), tf.zeros([4, 9, 2]))


def test_refuses_what_does_not_fit() -> None:
  network = make_network(16, 2)
  with pytest.raises(tf.errors.InvalidArgumentError, match="'encoder_w: float' has 32"):
    network.argmax(tf.zeros([4, 16]), tf.zeros([4, 9, 3]))
  with pytest.raises(tf.errors.InvalidArgumentError, match="'embeddings: float'"):
    network.argmax(tf.zeros([3, 16]), tf.zeros([4, 9, 2]))
  with pytest.raises(tf.errors.InvalidArgumentError, match='no candidates'):
    network.argmax(tf.zeros([3, 16]), tf.zeros([3, 0, 2]))
  odd = make_network(24, 2)
  with pytest.raises(tf.errors.InvalidArgumentError, match='multiple of 16'):
    odd.argmax(tf.zeros([4, 24]), tf.zeros([4, 9, 2]))


def test_has_no_gradient() -> None:
  network = make_network(16, 2)
  with tf.GradientTape() as tape:
    _, value = network.argmax(tf.zeros([4, 16]), tf.zeros([4, 9, 2]))
  with pytest.raises(LookupError, match='gradient'):
    tape.gradient(value, network.trainable_variables)


@pytest.mark.parametrize('size', [1, 6])
def test_candidates_are_told_apart_where_the_state_has_most_of_the_part(
  size: int,
) -> None:
  network = make_network(128, size, spread=0.05)
  inner, outer = network.block.inner.w, network.block.outer.w
  inner.assign(tf.concat([3.0 * inner[:128], 0.03 * inner[128:]], axis=0))
  # Made larger again, that little is what tells them apart.
  outer.assign(tf.concat([outer[:, :128], 30.0 * outer[:, 128:]], axis=1))
  observations, actions = make_inputs(200, 101, size)
  embeddings = network.embed(observations)
  values = network(embeddings, actions).numpy()
  best, _ = network.argmax(embeddings, actions)
  of_best = np.take_along_axis(values, best.numpy()[:, None], axis=1)[:, 0]
  lack = (values.max(axis=1) - of_best) / np.ptp(values, axis=1)
  assert np.quantile(lack, 0.99) <= 0.01
