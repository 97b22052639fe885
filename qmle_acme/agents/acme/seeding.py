"""Initial weights of Acme's networks as a function of a seed."""

import numpy as np
import sonnet as snt
import tensorflow as tf
from acme.agents.tf.d4pg.agent import D4PGNetworks


def seed_weights(networks: D4PGNetworks, seed: int) -> None:
  """Has each layer draw its initial weights by itself, from the distribution it has.

  Acme shares one initialiser between layers. In this version of TensorFlow that draws
  the same numbers for all layers of a shape, and others in each process.

  Args:
    networks: without variables yet.
    seed: of the weights.
  """
  random = np.random.default_rng(seed)
  for network in (networks.policy_network, networks.critic_network):
    for layer in network.submodules:
      if not isinstance(layer, snt.Linear):
        continue
      if isinstance(layer.w_init, tf.initializers.VarianceScaling):
        settings = layer.w_init.get_config() | {'seed': int(random.integers(2**31))}
        layer.w_init = tf.initializers.VarianceScaling(**settings)
