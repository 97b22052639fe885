"""How the parts of D4PG are made, of Acme's own."""

from typing import Any

import acme
import sonnet as snt
from acme.agents.tf import d4pg
from acme.agents.tf.d4pg.agent import D4PGNetworks

from qmle_acme.agents import acme as actor_critic
from qmle_acme.agents.acme import learning
from qmle_acme.agents.acme.d4pg.config import D4PGConfig


class D4PGBuilder(actor_critic.ActorCriticBuilder):
  """Makes the parts of D4PG (Barth-Maron et al., arXiv 1804.08617)."""

  _config: D4PGConfig

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
    self, batch: learning.Batch, arguments: dict[str, Any]
  ) -> tuple[acme.Learner, learning.State]:
    """See base class."""
    learner = d4pg.D4PGLearner(
      target_update_period=self._config.target_update_period,
      dataset_iterator=batch,
      **arguments,
    )
    return learner, {}
