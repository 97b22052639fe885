"""The DPG learner: Q-learning with a policy in the place of the arg max.

Deterministic policy gradient (Silver et al. 2014; Lillicrap et al., arXiv 1509.02971).
B batch, A action dimensions, O observation.
"""

import tensorflow as tf

from qmle_acme.agents.qmle.learning import QMLELearner
from qmle_acme.agents.qmle.networks import QMLENetwork
from qmle_acme.types import ArgmaxResult, Tensor, Transition


class DPGLearner(QMLELearner):
  """Learns Q at the policy's actions, and a policy that climbs Q by its gradient."""

  _network: QMLENetwork

  def best_actions(self, observations: Tensor, cached: Tensor | None) -> ArgmaxResult:
    """Returns the target policy's actions; the cached ones are no candidates."""
    del cached
    return self._target_network.argmax(observations, 1, tf.constant([0, 0]))

  def predictor_losses(self, transition: Transition, mle_target: Tensor) -> Tensor:
    """Returns -Q(o_tm1, policy(o_tm1)), [B], whose gradient ends at the policy."""
    del mle_target
    (policy,) = self._network.ensemble.predictors
    embeddings = tf.stop_gradient(self._network.embed(transition.o_tm1))
    actions = policy.sample(policy(embeddings), 1, tf.constant([0, 0]))  # [B, 1, A]
    with tf.GradientTape() as tape:
      tape.watch(actions)
      q_values = self._network.q_values(embeddings, actions)[:, 0]
    slopes = tf.stop_gradient(tape.gradient(q_values, actions))
    # Q as the actions see it: to Q itself it is a constant.
    tangent = tf.reduce_sum(slopes * actions, axis=[1, 2])
    return -(tf.stop_gradient(q_values - tangent) + tangent)
