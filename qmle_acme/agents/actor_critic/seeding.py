"""Networks and policies as functions of a seed, though TensorFlow has one for all."""

import contextlib
import threading
from collections.abc import Iterator

import numpy as np
import sonnet as snt
import tensorflow as tf
from acme.agents.tf.d4pg.agent import D4PGNetworks

_LOCK = threading.Lock()


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
  """Has TensorFlow draw by this seed; where nodes are threads, one after the other.

  A graph keeps the seed that is set while it is traced: what draws random numbers at
  each call must be called for the first time in here.
  """
  with _LOCK:
    tf.random.set_seed(seed)
    yield


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
