"""How the parts of DMPO are made, of Acme's own; Acme itself has it in one process."""

import acme
import sonnet as snt
import tensorflow as tf
from acme.agents.tf import dmpo
from acme.agents.tf.d4pg.agent import D4PGNetworks
from acme.tf import losses
from acme.tf import networks as acme_networks

from qmle_acme.agents import actor_critic
from qmle_acme.agents.actor_critic import learning
from qmle_acme.agents.dmpo.config import DMPOConfig
from qmle_acme.agents.dmpo.networks import make_networks
from qmle_acme.agents.optimizers import adam


class DMPOBuilder(actor_critic.ActorCriticBuilder):
  """Makes the parts of distributional MPO (Hoffman et al., arXiv 2006.00979)."""

  def __init__(self, config: DMPOConfig, spec: acme.specs.EnvironmentSpec):
    """See base class."""
    super().__init__(config, spec)
    self._config = config

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
    self,
    online: D4PGNetworks,
    target: D4PGNetworks,
    batch: learning.Batch,
    logger: learning.StepMetrics,
  ) -> tuple[acme.Learner, learning.State]:
    """See base class."""
    config = self._config
    parts = {
      'policy_loss_module': (loss := self._make_loss()),
      'policy_optimizer': adam(
        config.policy_learning_rate, online.policy_network.trainable_variables
      ),
      'critic_optimizer': adam(
        config.critic_learning_rate, online.critic_network.trainable_variables
      ),
      'dual_optimizer': adam(config.dual_learning_rate, loss.trainable_variables),
    }
    learner = dmpo.DistributionalMPOLearner(
      policy_network=online.policy_network,
      critic_network=online.critic_network,
      target_policy_network=target.policy_network,
      target_critic_network=target.critic_network,
      discount=1.0,
      num_samples=config.num_samples,
      target_policy_update_period=config.target_policy_update_period,
      target_critic_update_period=config.target_critic_update_period,
      dataset=batch,
      observation_network=online.observation_network,
      target_observation_network=target.observation_network,
      logger=logger,
      checkpoint=False,
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
    loss.create_dual_variables_once(tf.TensorShape([self._space.size]), tf.float32)
    return loss
