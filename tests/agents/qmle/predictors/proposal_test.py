"""Predictors propose in a space of their own; what comes out are still actions."""

import numpy as np
import tensorflow as tf

from qmle_acme import actions
from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.agents.qmle.networks import QMLENetwork

FEATURES = np.random.default_rng(0).uniform(-1.0, 1.0, size=(1000, 4))


def test_items_are_proposed_near_a_head_that_was_fitted_to_one() -> None:
  space = actions.make(actions.ItemArray(FEATURES), 3)
  assert isinstance(space, actions.Items)
  network = QMLENetwork.make(space, 2, QMLEConfig(hidden_size=16), seed=1)
  embeddings = network.embed(tf.ones([8, 2]))
  best = np.tile(space.from_environment(np.array(123)), [8, 1])
  delta = network.ensemble.predictors[0]
  for _ in range(300):
    with tf.GradientTape() as tape:
      loss = tf.reduce_mean(network.ensemble.loss(embeddings, tf.constant(best)))
    variables = delta.trainable_variables
    for variable, slope in zip(variables, tape.gradient(loss, variables), strict=True):
      variable.assign_sub(0.1 * slope)

  candidates = network.ensemble.propose(embeddings, 100, tf.constant([1, 2]))
  (own,) = np.flatnonzero(candidates.proposers == 1)  # The head's own, without noise.
  np.testing.assert_array_equal(candidates.actions[:, own], best)
  drawn = network.ensemble.sample_predictors(embeddings, tf.constant([3, 4]))
  for action in np.concatenate([drawn, candidates.actions[0]]):
    space.spec.validate(space.to_environment(action))
