"""An output for each action: which is whose, the exact arg max, what is refused."""

from typing import Any

import acme
import numpy as np
import pytest
import tensorflow as tf
from dm_env import specs

from qmle_acme import actions
from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.agents.qmle.learning import QMLELearner
from qmle_acme.environments import make
from qmle_acme.errors import UserError
from qmle_acme.experiments.action_out import ActionOutBuilder
from qmle_acme.experiments.action_out.networks import ActionOutNetwork
from qmle_acme.types import Array, Transition

WIDTH, BATCH = 16, 4
CONFIG = QMLEConfig(
  batch_size=BATCH,
  learning_rate=1e-2,
  min_replay_size=1,
  replay_size=64,
  hidden_size=WIDTH,
)
SEED = tf.constant([0, 0])
BOX = specs.BoundedArray((2,), np.float32, -1.0, 1.0)


def network_with_values(
  spec: specs.BoundedArray, values: Array
) -> tuple[actions.ActionSpace, ActionOutNetwork]:
  """Returns a network that gives the actions these values [M] in every state."""
  space = actions.make(spec, bins=3)
  network = ActionOutNetwork(space, QMLEConfig(hidden_size=WIDTH))
  network.q(network.embed(tf.zeros([1, 2])))
  network.q.output.w.assign(tf.zeros([WIDTH, len(values)]))
  network.q.output.b.assign(values)
  return space, network


def spec_of(name: str) -> acme.specs.EnvironmentSpec:
  return acme.make_environment_spec(make(name, seed=0))


@pytest.fixture(scope='module')
def learner() -> QMLELearner:
  builder = ActionOutBuilder(CONFIG, spec_of('grid:3:synthetic:box:2'))
  return builder.make_learner(
    iter(()), address='', seed=1, write_metrics=lambda _: None
  )


def transition(seed: int) -> Transition:
  random = np.random.default_rng(seed)
  return Transition(
    o_tm1=tf.constant(random.uniform(-1, 1, (BATCH, 2)), tf.float32),
    a_tm1=tf.constant([[0, 0], [0, 2], [1, 0], [2, 2]], tf.float32),
    r_t=tf.constant([1.0, 0.0, -1.0, 2.0]),
    d_t=tf.constant([0.0, 1.0, 0.5, 0.9]),
    o_t=tf.constant(random.uniform(-1, 1, (BATCH, 2)), tf.float32),
  )


def test_outputs_are_the_actions_in_order() -> None:
  spec = specs.BoundedArray((2,), np.int32, [0, 0], [1, 2])
  values = np.array([0.1, 0.2, 0.3, 0.4, 0.9, 0.5], np.float32)
  _, network = network_with_values(spec, values)
  observations = tf.zeros([2, 2])
  best = network.argmax(observations, 1, SEED, cached=tf.zeros([2, 2]))
  np.testing.assert_array_equal(best.action, [[1, 1]] * 2)  # The fifth of two by three.
  np.testing.assert_array_equal(best.value, values[[4, 4]])
  np.testing.assert_array_equal(best.winners, [[True], [True]])
  asked = tf.constant([[[0, 2], [1, 0]], [[1, 2], [0, 0]]], tf.float32)
  np.testing.assert_array_equal(
    network.q_values(network.embed(observations), asked),
    values[[[2, 3], [5, 0]]],
  )


def test_digits_that_stand_for_no_action_have_no_output() -> None:
  count = 67  # Two digits, eight by nine: five combinations are left over.
  values = np.arange(count, dtype=np.float32)
  space, network = network_with_values(specs.DiscreteArray(count), values)
  assert space.bin_counts == (8, 9)
  listed = np.stack([space.from_environment(i) for i in range(count)])
  embeddings = network.embed(tf.zeros([1, 2]))
  np.testing.assert_array_equal(
    network.q_values(embeddings, listed[None])[0], np.arange(count)
  )
  best = network.argmax(tf.zeros([1, 2]), 1, SEED).action[0].numpy()
  assert space.to_environment(best) == count - 1


def test_the_target_is_the_largest_of_all_outputs_of_the_target_network(
  learner: QMLELearner,
) -> None:
  observations = transition(0).o_t
  target = learner.state['target_network']
  values = target.q(target.embed(observations)).numpy()  # [B, 9]
  best = learner.best_actions(observations, cached=None)
  np.testing.assert_allclose(best.value, values.max(axis=1), rtol=1e-6)
  places = np.stack(np.unravel_index(values.argmax(axis=1), (3, 3)), axis=1)
  np.testing.assert_array_equal(best.action, places)


def test_only_the_value_of_the_action_taken_is_fitted(learner: QMLELearner) -> None:
  batch, target = transition(1), tf.constant([1.0, 0.0, -1.0, 2.0])
  network, ones = learner.state['network'], tf.ones([BATCH])
  before = network.q.output.b.numpy()
  for _ in range(150):
    fit = learner.fit(batch, target, batch.a_tm1, ones)
  assert float(tf.reduce_mean(fit.q_losses)) < 0.01
  taken = [3 * int(a) + int(b) for a, b in batch.a_tm1]
  rest = np.setdiff1d(np.arange(9), taken)
  np.testing.assert_array_equal(network.q.output.b.numpy()[rest], before[rest])
  assert not np.any(network.q.output.b.numpy()[taken] == before[taken])
  np.testing.assert_array_equal(fit.predictor_losses, np.zeros(BATCH))


def test_the_limit_is_on_actions_and_not_on_combinations_of_digits() -> None:
  # 99 by 101 actions; two digits each, ten by ten and ten by eleven.
  two = specs.BoundedArray((2,), np.int32, 0, [98, 100])
  builder = ActionOutBuilder(CONFIG, spec_of('synthetic:box:3')._replace(actions=two))
  learner = builder.make_learner(
    iter(()), address='', seed=1, write_metrics=lambda _: None
  )
  assert learner.state['network'].q.output.b.shape == (9_999,)


@pytest.mark.parametrize(
  ('actions_spec', 'message'),
  [
    (BOX, 'these are continuous: put them on a grid'),
    ((BOX,), 'some of these are continuous: use qmle'),
    ({'pick': specs.DiscreteArray(3), 'move': BOX}, 'are continuous: use qmle'),
    (
      specs.BoundedArray((38,), np.int32, 0, 2),
      'an output for each of 1,350,851,717,672,992,089 actions, and lists at most '
      '10,000: use qmle',
    ),
    (specs.BoundedArray((2,), np.int32, 0, [72, 136]), 'each of 10,001 actions'),
  ],
)
def test_what_cannot_be_listed_is_refused_in_one_line(
  actions_spec: Any, message: str
) -> None:
  spec = spec_of('synthetic:box:3')._replace(actions=actions_spec)
  with pytest.raises(UserError) as error:
    ActionOutBuilder(CONFIG, spec)
  assert message in str(error.value) and '\n' not in str(error.value)
