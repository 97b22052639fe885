"""DPG: the policy climbs Q and leaves it alone; targets take the policy's action."""

import itertools
from typing import Any

import acme
import numpy as np
import pytest
import tensorflow as tf
from dm_env import specs

from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.environments import make
from qmle_acme.errors import UserError
from qmle_acme.experiments.dpg import DPGBuilder
from qmle_acme.experiments.dpg.learning import DPGLearner
from qmle_acme.types import Transition

BATCH = 4


@pytest.fixture(scope='module')
def learner() -> DPGLearner:
  spec = acme.make_environment_spec(make('synthetic:box:3', seed=0))
  config = QMLEConfig(
    batch_size=BATCH,
    learning_rate=1e-2,
    min_replay_size=1,
    replay_size=64,
    hidden_size=16,
  )
  return DPGBuilder(config, spec).make_learner(
    iter(()), address='', seed=1, write_metrics=lambda _: None
  )


def batch(seed: int) -> Transition:
  random = np.random.default_rng(seed)
  sizes = {'o_tm1': (2,), 'a_tm1': (3,), 'r_t': (), 'd_t': (), 'o_t': (2,)}
  return Transition(
    **{
      name: tf.constant(random.uniform(-1, 1, (BATCH, *shape)), tf.float32)
      for name, shape in sizes.items()
    }
  )


def policy_values(learner: DPGLearner, observations: tf.Tensor) -> tf.Tensor:
  """Returns Q(s, policy(s)), [B], of the online network."""
  network = learner.state['network']
  embeddings = network.q.embed(observations)
  (policy,) = network.ensemble.predictors
  actions = tf.tanh(policy(embeddings))[:, None]
  return network.q_values(embeddings, actions)[:, 0]


def test_the_policy_climbs_q_and_q_learns_nothing_from_it(learner: DPGLearner) -> None:
  network, transition = learner.state['network'], batch(0)
  before = [variable.numpy() for variable in network.q.variables]
  value = float(tf.reduce_mean(policy_values(learner, transition.o_tm1)))
  nothing = tf.zeros([BATCH])  # Weights of the Q losses.

  for _ in range(20):
    fit = learner.fit(transition, nothing, transition.a_tm1, nothing)

  for variable, old in zip(network.q.variables, before, strict=True):
    np.testing.assert_array_equal(variable.numpy(), old)
  assert float(tf.reduce_mean(policy_values(learner, transition.o_tm1))) > value + 0.01
  # What it last reports is from before its last step, which was small.
  assert -float(tf.reduce_mean(fit.predictor_losses)) > value


def test_q_learns_the_target(learner: DPGLearner) -> None:
  transition, target = batch(1), tf.constant([1.0, 0.0, -1.0, 2.0])
  weights = tf.ones([BATCH])
  first = learner.fit(transition, target, transition.a_tm1, weights)
  np.testing.assert_allclose(
    first.q_losses, np.square(target - first.q_tm1), rtol=1e-5, atol=1e-6
  )
  for _ in range(60):
    last = learner.fit(transition, target, transition.a_tm1, weights)
  assert float(tf.reduce_sum(last.q_losses)) < 0.1 * float(
    tf.reduce_sum(first.q_losses)
  )


def test_the_target_is_at_the_action_of_the_target_policy(learner: DPGLearner) -> None:
  transition = batch(2)
  target = learner.state['target_network']
  best = learner.best_actions(transition.o_t, cached=transition.a_tm1)
  (policy,) = target.ensemble.predictors
  embeddings = target.q.embed(transition.o_t)
  expected = tf.tanh(policy(embeddings))
  np.testing.assert_allclose(best.action, expected, rtol=1e-5)
  values = target.q_values(embeddings, expected[:, None])[:, 0]
  np.testing.assert_allclose(best.value, values, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
  'other', [specs.DiscreteArray(3), (specs.BoundedArray((2,), np.float32, -1.0, 1.0),)]
)
def test_actions_that_are_no_box_are_refused(other: Any) -> None:
  spec = acme.make_environment_spec(make('synthetic:box:3', seed=0))
  spec = spec._replace(actions=other)
  with pytest.raises(UserError, match='dpg needs one box of continuous actions'):
    DPGBuilder(QMLEConfig(), spec)


def test_its_greedy_action_does_not_depend_on_the_seed(learner: DPGLearner) -> None:
  spec = acme.make_environment_spec(make('synthetic:box:3', seed=0))
  builder = DPGBuilder(QMLEConfig(hidden_size=16), spec)
  observation = np.array([0.3, -0.6], np.float32)
  actors = [builder.make_actor(learner, None, seed) for seed in (1, 2)]
  actions = [a.select_action(observation) for a in itertools.chain(actors, actors)]
  for action in actions[1:]:
    np.testing.assert_array_equal(action, actions[0])
