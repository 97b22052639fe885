"""How the parts of DMPO are made, of Acme's own; Acme itself has it in one process."""

from typing import Any

import acme
import sonnet as snt
import tensorflow as tf
from acme.agents.tf import dmpo
from acme.agents.tf.d4pg.agent import D4PGNetworks
from acme.tf import losses
from acme.tf import networks as acme_networks

from qmle_acme.agents import acme as actor_critic
from qmle_acme.agents.acme import learning
from qmle_acme.agents.acme.dmpo.config import DMPOConfig
from qmle_acme.agents.acme.dmpo.networks import make_networks
from qmle_acme.agents.optimizers import adam


class DMPOBuilder(actor_critic.ActorCriticBuilder):
  """Makes the parts of distributional MPO (Hoffman et al., arXiv 2006.00979)."""

  _config: DMPOConfig

  def make_networks(self) -> D4PGNetworks:
    """See base class."""
    return make_networks(self._spec.actions, self._config)

  def make_policy(self, networks: D4PGNetworks, explores: bool) -> snt.Module:
    """Returns a sample of the Gaussian policy, or its mean."""
    head = (
      acme_networks.StochasticSamplingHead()
      if explores
      else acme_networks.StochasticMeanHead()
    )
    return snt.Sequential([networks.observation_network, networks.policy_network, head])

  def make_acme_learner(
    self, batch: learning.Batch, arguments: dict[str, Any]
  ) -> tuple[acme.Learner, learning.State]:
    """See base class."""
    config = self._config
    loss = self._make_loss()
    parts = {
      'policy_loss_module': loss,
      'dual_optimizer': adam(config.dual_learning_rate, loss.trainable_variables),
    }
    learner = dmpo.DistributionalMPOLearner(
      num_samples=config.num_samples,
      target_policy_update_period=config.target_policy_update_period,
      target_critic_update_period=config.target_critic_update_period,
      dataset=batch,
      **arguments,
      **parts,
    )
    return learner, parts

  def _make_loss(self) -> losses.MPO:
    """Returns Acme's loss of the policy, with its temperatures and multipliers."""
    config = self._config
    loss = losses.MPO(
      epsilon=config.epsilon,
      epsilon_penalty=config.epsilon_penalty,
      epsilon_mean=config.epsilon_mean,
      epsilon_stddev=config.epsilon_stddev,
      init_log_temperature=config.init_log_temperature,
      init_log_alpha_mean=config.init_log_alpha_mean,
      init_log_alpha_stddev=config.init_log_alpha_stddev,
    )
    # At once, or a checkpoint before the first step would not hold them.
    loss.create_dual_variables_once(tf.TensorShape([self.space.size]), tf.float32)
    return loss
