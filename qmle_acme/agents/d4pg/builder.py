"""How the parts of D4PG are made, of Acme's own."""

import acme
import sonnet as snt
from acme.agents.tf import d4pg
from acme.agents.tf.d4pg.agent import D4PGNetworks

from qmle_acme.agents import actor_critic
from qmle_acme.agents.actor_critic import learning
from qmle_acme.agents.d4pg.config import D4PGConfig
from qmle_acme.agents.optimizers import adam


class D4PGBuilder(actor_critic.ActorCriticBuilder):
  """Makes the parts of D4PG (Barth-Maron et al., arXiv 1804.08617)."""

  def __init__(self, config: D4PGConfig, spec: acme.specs.EnvironmentSpec):
    """See base class."""
    super().__init__(config, spec)
    self._config = config

  def make_networks(self) -> D4PGNetworks:
    """Returns the networks of `d4pg.make_default_networks`, in the configured sizes."""
    config = self._config
    networks = d4pg.make_default_networks(
      self._spec.actions,
      config.policy_layer_sizes,
      config.critic_layer_sizes,
      config.vmin,
      config.vmax,
      config.num_atoms,
    )
    return D4PGNetworks(
      policy_network=networks['policy'],
      critic_network=networks['critic'],
      observation_network=networks['observation'],
    )

  def make_policy(self, networks: D4PGNetworks, explores: bool) -> snt.Module:
    """Returns the deterministic policy, with Gaussian noise if it explores."""
    return networks.make_policy(self._spec, self._config.sigma if explores else 0.0)

  def make_acme_learner(
    self,
    online: D4PGNetworks,
    target: D4PGNetworks,
    batch: learning.Batch,
    logger: learning.StepMetrics,
  ) -> tuple[acme.Learner, learning.State]:
    """See base class."""
    config = self._config
    optimizers = {
      'policy_optimizer': adam(
        config.policy_learning_rate, online.policy_network.trainable_variables
      ),
      'critic_optimizer': adam(
        config.critic_learning_rate, online.critic_network.trainable_variables
      ),
    }
    learner = d4pg.D4PGLearner(
      policy_network=online.policy_network,
      critic_network=online.critic_network,
      target_policy_network=target.policy_network,
      target_critic_network=target.critic_network,
      discount=1.0,
      target_update_period=config.target_update_period,
      dataset_iterator=batch,
      observation_network=online.observation_network,
      target_observation_network=target.observation_network,
      logger=logger,
      checkpoint=False,
      **optimizers,
    )
    return learner, dict(optimizers)
