"""The compiled scorer against the plain layers: its slow twin."""

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from qmle_acme.networks import ActionInQNetwork
from qmle_acme.types import Tensor

# Largest error, as a share of the range of a state's values.
TOLERANCE = 5e-3


def make_network(width: int, inputs: int, spread: float = 0.3) -> ActionInQNetwork:
  """Returns a network in which no bias is zero and no scale is one."""
  tf.random.set_seed(width * inputs)
  network = ActionInQNetwork(width)
  network(network.embed(tf.zeros([1, 5])), tf.zeros([1, 1, inputs]))
  for i, variable in enumerate(network.trainable_variables):
    noise = tf.random.stateless_normal(variable.shape, [i, 7], stddev=spread)
    variable.assign_add(noise)
  return network


def make_inputs(batch: int, count: int, inputs: int) -> tuple[Tensor, Tensor]:
  """Returns observations [B, 5] and encoded actions [B, N, A']."""
  observations = tf.random.stateless_normal([batch, 5], [batch, count])
  actions = tf.random.stateless_uniform([batch, count, inputs], [count, 3], -1, 1)
  return observations, actions


def errors(
  network: ActionInQNetwork, batch: int, count: int, inputs: int
) -> np.ndarray:
  """Returns the largest error of each state's values, over their range, [B]."""
  observations, actions = make_inputs(batch, count, inputs)
  embeddings = network.embed(observations)
  expected = network(embeddings, actions).numpy()
  values = network.rank(embeddings, actions).numpy()
  assert values.shape == expected.shape == (batch, count)
  return np.abs(values - expected).max(1) / (expected.max(1) - expected.min(1))


@pytest.mark.parametrize('width', [16, 48, 128])
@pytest.mark.parametrize('inputs', [1, 6, 38])
@pytest.mark.parametrize(('batch', 'count'), [(1, 1000), (3, 24), (2, 25), (7, 101)])
def test_ranks_as_the_plain_layers_do(
  width: int, inputs: int, batch: int, count: int
) -> None:
  network = make_network(width, inputs)
  assert errors(network, batch, count, inputs).max() < TOLERANCE


@settings(max_examples=25, deadline=None)
@given(batch=st.integers(1, 5), count=st.integers(2, 60), inputs=st.integers(1, 70))
def test_every_shape(batch: int, count: int, inputs: int) -> None:
  observations, actions = make_inputs(batch, count, inputs)
  network = make_network(16, inputs)
  embeddings = network.embed(observations)
  expected = network(embeddings, actions).numpy()
  values = network.rank(embeddings, actions).numpy()
  np.testing.assert_allclose(values, expected, atol=TOLERANCE * (1 + np.ptp(expected)))


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 4), st.integers(1, 90), st.integers(1, 20), st.integers(0, 99))
def test_equal_candidates_have_equal_values(
  batch: int, count: int, inputs: int, seed: int
) -> None:
  # Of two values in each dimension: with few dimensions nearly all repeat themselves,
  # with more than 16 some differ only where the hash does not look.
  network = make_network(16, inputs)
  random = np.random.default_rng(seed)
  actions = random.integers(2, size=(batch, count, inputs)).astype(np.float32)
  actions[:, :, : inputs - 2] = actions[:1, :1, : inputs - 2]
  embeddings = network.embed(tf.constant(random.normal(size=(batch, 5)), tf.float32))
  values = network.rank(embeddings, tf.constant(actions)).numpy()
  expected = network(embeddings, tf.constant(actions)).numpy()
  np.testing.assert_allclose(values, expected, atol=TOLERANCE * (1 + np.ptp(expected)))
  for state in range(batch):
    _, group = np.unique(actions[state], axis=0, return_inverse=True)
    for index in range(group.max() + 1):
      assert len(np.unique(values[state, group == index])) == 1


def test_no_candidates_have_no_values() -> None:
  network = make_network(16, 2)
  embeddings = network.embed(tf.zeros([3, 5]))
  assert network.rank(embeddings, tf.zeros([3, 0, 2])).shape == (3, 0)


@pytest.mark.parametrize('scale', [1e-6, 1e3])
def test_weights_of_any_size(scale: float) -> None:
  network = make_network(32, 4)
  for linear in (network.block.inner, network.block.outer):
    linear.w.assign(linear.w * scale)
  assert errors(network, 3, 50, 4).max() < TOLERANCE


def test_one_weight_may_dominate_its_column() -> None:
  network = make_network(32, 4, spread=0.01)
  for linear in (network.block.inner, network.block.outer):
    peaks = 100.0 * tf.eye(*linear.w.shape)
    linear.w.assign_add(peaks)
  assert errors(network, 3, 50, 4).max() < TOLERANCE


def test_sums_of_products_do_not_overflow() -> None:
  # All terms of one sign and of one size: the largest sums that the norms allow.
  network = make_network(128, 4, spread=0.0)
  network.action_encoder.norm.norm.scale.assign(tf.zeros(128))
  network.action_encoder.norm.norm.offset.assign(tf.ones(128))
  network.block.inner.w.assign(tf.ones([256, 256]))
  network.block.outer.w.assign(tf.ones([256, 256]))
  network.norm.norm.offset.assign(tf.range(256.0))
  network.output.w.assign(tf.ones([256, 1]))
  embeddings = network.embed(tf.ones([1, 5]))
  actions = tf.random.stateless_uniform([1, 30, 4], [1, 2], -1, 1)
  expected = network(embeddings, actions).numpy()
  np.testing.assert_allclose(network.rank(embeddings, actions), expected, rtol=1e-4)


def test_zeros_are_no_trouble() -> None:
  network = make_network(16, 2)
  for variable in network.trainable_variables:
    variable.assign(tf.zeros_like(variable))
  network.output.b.assign([3.0])
  values = network.rank(tf.zeros([2, 16]), tf.zeros([2, 30, 2]))
  np.testing.assert_array_equal(values, np.full([2, 30], 3.0))


def test_threads_change_no_bit(monkeypatch: pytest.MonkeyPatch) -> None:
  network = make_network(32, 6)
  observations, actions = make_inputs(5, 101, 6)
  embeddings = network.embed(observations)
  values = []
  for threads in ('1', '2', '3', '64'):
    monkeypatch.setenv('TF_NUM_INTRAOP_THREADS', threads)
    values.append(network.rank(embeddings, actions).numpy())
  for other in values[1:]:
    np.testing.assert_array_equal(values[0], other)


def test_shape_is_known_in_the_graph() -> None:
  network = make_network(16, 2)

  @tf.function(autograph=False)
  def rank(embeddings: Tensor, actions: Tensor) -> Tensor:
    values = network.rank(embeddings, actions)
    assert values.shape == (4, 9)
    return values

  rank(tf.zeros([4, 16]), tf.zeros([4, 9, 2]))


def test_refuses_what_does_not_fit() -> None:
  network = make_network(16, 2)
  with pytest.raises(tf.errors.InvalidArgumentError, match="'encoder_w: float' has 32"):
    network.rank(tf.zeros([4, 16]), tf.zeros([4, 9, 3]))
  with pytest.raises(tf.errors.InvalidArgumentError, match="'embeddings: float'"):
    network.rank(tf.zeros([3, 16]), tf.zeros([4, 9, 2]))
  odd = make_network(24, 2)
  with pytest.raises(tf.errors.InvalidArgumentError, match='multiple of 16'):
    odd.rank(tf.zeros([4, 24]), tf.zeros([4, 9, 2]))


def test_has_no_gradient() -> None:
  network = make_network(16, 2)
  with tf.GradientTape() as tape:
    values = tf.reduce_sum(network.rank(tf.zeros([4, 16]), tf.zeros([4, 9, 2])))
  with pytest.raises(LookupError, match='gradient'):
    tape.gradient(values, network.trainable_variables)
