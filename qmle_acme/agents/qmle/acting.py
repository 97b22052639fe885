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
from qmle_acme.agents.builder import Actor
from qmle_acme.agents.qmle.expectation import Expectation
from qmle_acme.agents.qmle.exploration import Exploration
from qmle_acme.agents.qmle.networks import QNetwork
from qmle_acme.agents.qmle.scaling import RewardScale
from qmle_acme.graphs import SingleGraph
from qmle_acme.types import Array, Seed, Tensor


class QMLEActor(Actor):
  """Acts epsilon-greedily with respect to the latest Q-network."""

  def __init__(
    self,
    network: QNetwork,
    space: ActionSpace,
    observation_size: int,
    m_greedy: int,
    exploration: Exploration,
    seed: int,
    variable_client: variable_utils.VariableClient,
    adder: acme.adders.Adder | None,
    reward_scale: RewardScale,
    discount: float,
  ):
    """Initialises.

    Args:
      network: its variables are those that the client updates.
      space: the action space.
      observation_size: O.
      m_greedy: candidates per decision.
      exploration: what it does in its episodes instead of the best action.
      seed: of exploration and candidates.
      variable_client: of the learner.
      adder: where transitions go, if anywhere.
      reward_scale: the unit of Q, which the client updates, too.
      discount: of the agent, to compare what Q promises with what comes.
    """
    self.parts = {'network': network, 'reward_scale': reward_scale}
    self._space = space
    self._best_action = _trace_best_action(network, observation_size, m_greedy)
    self._usual = exploration
    self._exploration = exploration
    self._draw = _trace_predicted_action(network, observation_size, exploration)
    # Environments draw from the seed's first stream: whether to explore must not depend
    # on what one of the same seed shows.
    own_stream = np.random.SeedSequence(seed, spawn_key=(1,))
    self._random = np.random.default_rng(own_stream)
    self._variable_client = variable_client
    self._adder = adder
    self._expectation = Expectation(discount, reward_scale.numpy)
    self._steps_left = 0
    self._lasting: Array | None = None
    self._is_rewarded = True  # Of no episode yet is it known that it was not.

  def select_action(self, observation: Array) -> Array:
    """Returns the environment's form of the chosen action for observation [O]."""
    if not self._steps_left and self._random.random() < self._exploration.start:
      self._steps_left, self._lasting = self._exploration.steps, None
    explores = self._steps_left > 0
    seed = self._random.integers(2**31, size=2, dtype=np.int32)
    if not explores or self._expectation.is_open:
      best, value = self._best_action(tf.constant(observation), tf.constant(seed))
      if self._expectation.is_open:
        self._expectation.expect(float(value))
    action = self._explore(observation, seed) if explores else best.numpy()
    return self._space.to_environment(action)

  def observe_first(self, timestep: dm_env.TimeStep) -> None:
    """Begins an episode."""
    self._exploration = self._usual.of_episode(self._random, self._is_rewarded)
    self._is_rewarded = False
    self._steps_left = self._exploration.under_way(self._random)
    self._lasting = None
    self._expectation.begin()
    if self._adder:
      self._adder.add_first(timestep)

  def observe(self, action: Array, next_timestep: dm_env.TimeStep) -> None:
    """Adds one step to replay."""
    self._is_rewarded |= bool(next_timestep.reward)
    self._expectation.add(next_timestep)
    if self._adder:
      self._adder.add(action, next_timestep)

  def update(self, wait: bool = False) -> None:
    """Fetches the learner's variables when it is time to."""
    self._variable_client.update(wait)

  def episode_record(self) -> dict[str, float]:
    """Returns the episode's epsilon, and what Q promised at its start and what came."""
    return {'epsilon': self._exploration.epsilon, **self._expectation.record()}

  def _explore(self, observation: Array, seed: Array) -> Array:
    """Returns an action [A] that is not meant to be the best, for observation [O]."""
    self._steps_left -= 1
    if self._lasting is not None:
      return self._lasting
    if self._draw and self._random.random() < self._exploration.from_predictors:
      action = self._draw(tf.constant(observation), tf.constant(seed))
    elif self._space.noop is not None and self._random.random() < 0.5:
      action = self._space.sample_near_noop((), seed)
    else:
      action = self._space.sample_uniform((), seed)
    self._lasting = action.numpy()
    return self._lasting


def _trace_best_action(
  network: QNetwork, observation_size: int, m_greedy: int
) -> Callable[[Tensor, Seed], tuple[Tensor, Tensor]]:
  """Returns a function of observation [O] and seed: arg max [A] of candidates, max."""

  def best_action(observation: Tensor, seed: Seed) -> tuple[Tensor, Tensor]:
    best = network.argmax(observation[None], m_greedy, seed)
    return best.action[0], best.value[0]

  return SingleGraph(best_action, *_decision(observation_size))


def _trace_predicted_action(
  network: QNetwork, observation_size: int, exploration: Exploration
) -> Callable[[Tensor, Seed], Tensor] | None:
  """Returns a function of observation [O] and seed: an action [A] of a predictor.

  None where exploration asks for none.
  """
  if not exploration.from_predictors:
    return None

  def predicted_action(observation: Tensor, seed: Seed) -> Tensor:
    return network.predicted_actions(observation[None], seed)[0]

  return SingleGraph(predicted_action, *_decision(observation_size))


def _decision(observation_size: int) -> tuple[tf.TensorSpec, tf.TensorSpec]:
  """Returns what a decision is made by: observation [O] and seed."""
  return tf.TensorSpec([observation_size], tf.float32), tf.TensorSpec([2], tf.int32)
