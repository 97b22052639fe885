"""The action-in network: its variables, and what a value depends on."""

import numpy as np
import pytest
import tensorflow as tf
from dm_env import specs

from qmle_acme.actions import Box
from qmle_acme.networks import ActionInQNetwork
from qmle_acme.types import Tensor

_WIDTH, _OBSERVATION, _ACTION = 16, 5, 3
_SPACE = Box(specs.BoundedArray((_ACTION,), np.float32, -1.0, 1.0), 3)


@pytest.fixture(scope='module')
def network() -> ActionInQNetwork:
  """A network in which no bias is zero and no scale is one."""
  network = ActionInQNetwork(_SPACE, _WIDTH)
  embeddings = network.embed(tf.zeros([1, _OBSERVATION]))
  network(embeddings, tf.zeros([1, 1, _ACTION]))
  for i, variable in enumerate(network.trainable_variables):
    noise = tf.random.stateless_normal(variable.shape, [i, 7], stddev=0.3)
    variable.assign_add(noise)
  return network


def _inputs(batch: int, count: int) -> tuple[Tensor, Tensor]:
  """Returns observations [B, O] and actions [B, N, A]."""
  observations = tf.random.stateless_normal([batch, _OBSERVATION], [batch, count])
  actions = tf.random.stateless_uniform([batch, count, _ACTION], [count, batch], -1, 1)
  return observations, actions


def test_one_forward_pass_creates_every_variable() -> None:
  network = ActionInQNetwork(_SPACE, _WIDTH)
  observations, actions = _inputs(2, 3)
  network(network.embed(observations), actions)
  names = [variable.name for variable in network.variables]
  network(network.embed(observations), actions)
  assert [variable.name for variable in network.variables] == names
  # Weights and biases of 7 linear layers, scale and offset of 3 normalisations.
  assert len(names) == 2 * 7 + 2 * 3


def test_value_of_a_candidate_depends_on_no_other(network: ActionInQNetwork) -> None:
  observations, actions = _inputs(3, 20)
  embeddings = network.embed(observations)
  values = network(embeddings, actions).numpy()
  order = np.random.default_rng(0).permutation(20)
  permuted = network(embeddings, tf.gather(actions, order, axis=1))
  np.testing.assert_allclose(permuted, values[:, order], atol=1e-5)
  alone = network(embeddings, actions[:, 4:5])
  np.testing.assert_allclose(alone, values[:, 4:5], atol=1e-5)


def test_value_of_a_state_depends_on_no_other(network: ActionInQNetwork) -> None:
  observations, actions = _inputs(4, 6)
  values = network(network.embed(observations), actions).numpy()
  others = tf.concat([observations[:1], observations[1:] + 1.0], axis=0)
  other_actions = tf.concat([actions[:1], -actions[1:]], axis=0)
  changed = network(network.embed(others), other_actions).numpy()
  np.testing.assert_allclose(changed[0], values[0], atol=1e-5)
  assert (np.abs(changed[1:] - values[1:]) > 1e-4).all()


def test_value_varies_with_every_input(network: ActionInQNetwork) -> None:
  observations, actions = _inputs(4, 5)
  with tf.GradientTape() as tape:
    tape.watch([observations, actions])
    values = network(network.embed(observations), actions)
  by_observation, by_action = tape.gradient(values, [observations, actions])
  assert (np.abs(by_observation) > 0).all()
  assert (np.abs(by_action) > 0).all()
  # For one state the values of different actions differ, and the other way round.
  assert len(np.unique(values[0])) == 5
  same_actions = tf.repeat(actions[:1], 4, axis=0)
  assert len(np.unique(network(network.embed(observations), same_actions)[:, 0])) == 4
