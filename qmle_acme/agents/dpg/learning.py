"""The DPG learner: Q-learning with a policy in the place of the arg max.

Deterministic policy gradient (Silver et al. 2014; Lillicrap et al., arXiv 1509.02971).
B batch, A action dimensions, O observation.
"""

from collections.abc import Hashable, Sequence

import tensorflow as tf

from qmle_acme.agents.qmle import losses
from qmle_acme.agents.qmle.learning import Fit, QMLELearner
from qmle_acme.agents.qmle.networks import QMLENetwork
from qmle_acme.types import ArgmaxResult, Tensor, Transition


class DPGLearner(QMLELearner):
  """Learns Q at the policy's actions, and a policy that climbs Q by its gradient."""

  _network: QMLENetwork

  def best_actions(self, observations: Tensor, cached: Tensor | None) -> ArgmaxResult:
    """Returns the target policy's actions; the cached ones are no candidates."""
    del cached
    return self._target_network.argmax(
      observations, self._config.batch_size, 1, tf.constant([0, 0])
    )

  @tf.function(autograph=False, jit_compile=True)
  def fit(
    self, transition: Transition, target: Tensor, mle_target: Tensor, weights: Tensor
  ) -> Fit:
    """Takes one step of Adam: Q on its loss, the policy on -Q(o_tm1, policy(o_tm1)).

    Args:
      transition: the batch.
      target: [B] what Q(o_tm1, a_tm1) is fitted to.
      mle_target: not used.
      weights: [B] of the Q losses.
    """
    del mle_target
    critic = self._network.q.trainable_variables
    policy = self._network.ensemble.trainable_variables
    with tf.GradientTape() as critic_tape:
      q_tm1 = self._q_tm1(transition.o_tm1, transition.a_tm1)
      q_losses, td_error = losses.q_loss(q_tm1, target, weights)
      critic_loss = tf.reduce_mean(q_losses)
    embeddings = self._network.q.embed(transition.o_tm1)
    with tf.GradientTape() as policy_tape:
      policy_losses = -self._network.q_values(embeddings, self._act(embeddings))[:, 0]
      policy_loss = tf.reduce_mean(policy_losses)
    gradients = {
      **_by_variable(critic, critic_tape.gradient(critic_loss, critic)),
      **_by_variable(policy, policy_tape.gradient(policy_loss, policy)),
    }
    variables = self._network.trainable_variables
    self._optimizer.apply([gradients[v.ref()] for v in variables], variables)
    return Fit(q_tm1, td_error, q_losses, policy_losses)

  def _act(self, embeddings: Tensor) -> Tensor:
    """Returns the policy's actions [B, 1, A] for embeddings [B, H]."""
    (policy,) = self._network.ensemble.predictors
    return policy.sample(policy(embeddings), 1, tf.constant([0, 0]))


def _by_variable(
  variables: Sequence[tf.Variable], gradients: Sequence[Tensor]
) -> dict[Hashable, Tensor]:
  """Returns each gradient by its variable; the optimiser has an order of its own."""
  references = (variable.ref() for variable in variables)
  return dict(zip(references, gradients, strict=True))
