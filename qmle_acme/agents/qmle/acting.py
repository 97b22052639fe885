"""The QMLE actor: the arg max over sampled candidates, with a little exploration.

A action dimensions, O observation.
"""

from collections.abc import Callable

import acme
import acme.adders
import dm_env
import numpy as np
import tensorflow as tf
from acme.tf import variable_utils

from qmle_acme.actions import ActionSpace
from qmle_acme.agents.qmle.networks import QNetwork
from qmle_acme.types import Array, Seed, Tensor


class QMLEActor(acme.Actor):
  """Acts epsilon-greedily with respect to the latest Q-network."""

  def __init__(
    self,
    network: QNetwork,
    space: ActionSpace,
    observation_size: int,
    m_greedy: int,
    epsilon: float,
    seed: int,
    variable_client: variable_utils.VariableClient,
    adder: acme.adders.Adder | None,
  ):
    """Initialises.

    Args:
      network: its variables are those that the client updates.
      space: the action space.
      observation_size: O.
      m_greedy: candidates per decision.
      epsilon: probability of a uniformly random action.
      seed: of exploration and candidates.
      variable_client: of the learner.
      adder: where transitions go, if anywhere.
    """
    self._space = space
    self._best_action = _trace_best_action(network, observation_size, m_greedy)
    self._epsilon = epsilon
    # Environments draw from the seed's first stream: whether to explore must not depend
    # on what one of the same seed shows.
    own_stream = np.random.SeedSequence(seed, spawn_key=(1,))
    self._random = np.random.default_rng(own_stream)
    self._variable_client = variable_client
    self._adder = adder

  def select_action(self, observation: Array) -> Array:
    """Returns the environment's form of the chosen action for observation [O]."""
    explores = self._random.random() < self._epsilon
    seed = self._random.integers(2**31, size=2, dtype=np.int32)
    if explores:
      action = self._space.sample_uniform((), seed)
    else:
      action = self._best_action(tf.constant(observation), tf.constant(seed))
    return self._space.to_environment(action.numpy())

  def observe_first(self, timestep: dm_env.TimeStep) -> None:
    """Begins an episode."""
    if self._adder:
      self._adder.add_first(timestep)

  def observe(self, action: Array, next_timestep: dm_env.TimeStep) -> None:
    """Adds one step to replay."""
    if self._adder:
      self._adder.add(action, next_timestep)

  def update(self, wait: bool = False) -> None:
    """Fetches the learner's variables when it is time to."""
    self._variable_client.update(wait)


def _trace_best_action(
  network: QNetwork, observation_size: int, m_greedy: int
) -> Callable[[Tensor, Seed], Tensor]:
  """Returns a function of observation [O] and seed: the arg max [A] over candidates.

  It is traced here, once: to look the trace up anew would take as long as an eighth of
  a decision.
  """

  @tf.function(autograph=False)
  def best_action(observation: Tensor, seed: Seed) -> Tensor:
    return network.argmax(observation[None], m_greedy, seed).action[0]

  return best_action.get_concrete_function(
    tf.TensorSpec([observation_size], tf.float32), tf.TensorSpec([2], tf.int32)
  )
