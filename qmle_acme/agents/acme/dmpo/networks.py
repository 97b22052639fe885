"""The networks of DMPO, of Acme's parts. A action dimensions."""

import sonnet as snt
from acme.agents.tf.d4pg.agent import D4PGNetworks
from acme.tf import networks
from acme.tf import utils as tf2_utils
from dm_env import specs

from qmle_acme.agents.acme.dmpo.config import DMPOConfig


def make_networks(action_spec: specs.BoundedArray, config: DMPOConfig) -> D4PGNetworks:
  """Returns policy and critic as Acme's control example has them, without variables.

  Acme installs no default networks for DMPO; its repository configures these in
  `examples/control/run_dmpo.py`; what its later examples changed are `activate_final`
  and `init_scale`. The policy is a Gaussian; the critic sees actions clipped to the
  box. Acme's record of D4PG's networks holds them, as they are the same three.

  Args:
    action_spec: one vector [A] with bounds.
    config: the agent's settings.
  """
  policy = snt.Sequential(
    [
      networks.LayerNormMLP(
        config.policy_layer_sizes, activate_final=config.activate_final
      ),
      networks.MultivariateNormalDiagHead(action_spec.shape[0], config.init_scale),
    ]
  )
  torso = networks.CriticMultiplexer(
    critic_network=networks.LayerNormMLP(
      config.critic_layer_sizes, activate_final=config.activate_final
    ),
    action_network=networks.ClipToSpec(action_spec),
  )
  head = networks.DiscreteValuedHead(config.vmin, config.vmax, config.num_atoms)
  return D4PGNetworks(
    policy_network=policy,
    critic_network=snt.Sequential([torso, head]),
    observation_network=tf2_utils.batch_concat,
  )
