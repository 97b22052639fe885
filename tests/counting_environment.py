"""An environment that counts, and the transitions that must come of its episodes.

Shapes: O = 2, A = 2, T = the number of transitions of an episode.
"""

from collections.abc import Sequence
from typing import NamedTuple

import dm_env
import numpy as np
from dm_env import specs

# Episodes by the discounts of their steps: termination, time limit, a discount in
# between, and episodes that are as short as can be.
DISCOUNTS: tuple[tuple[float, ...], ...] = (
  (1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 0.0),
  (1.0, 1.0, 1.0),
  (1.0, 0.5, 1.0, 0.25, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0),
  (0.0,),
  (1.0,),
  (1.0, 1.0, 1.0, 1.0, 1.0),
  (1.0, 0.0),
)


class Episode(NamedTuple):
  """What has happened in an episode, as far as it has gone."""

  observations: list[np.ndarray]  # T + 1 of [O]
  actions: list[np.ndarray]  # T of [A]
  rewards: list[float]  # T
  discounts: list[float]  # T


class CountingEnvironment(dm_env.Environment):
  """Observes (episode, step within it); no two of its steps give the same reward.

  Attributes:
    episodes: all that has happened so far, an episode for each reset.
  """

  def __init__(
    self,
    discounts: Sequence[Sequence[float]] = DISCOUNTS,
    action_dtype: type = np.float32,
  ):
    """Initialises.

    Args:
      discounts: those of each step of an episode, for each episode; over and over.
      action_dtype: of the actions.
    """
    self._discounts = discounts
    self._action_dtype = action_dtype
    self._steps = 0
    self.episodes: list[Episode] = []

  def reset(self) -> dm_env.TimeStep:
    """Starts the next episode, wherever this one is."""
    self.episodes.append(Episode([], [], [], []))
    return dm_env.restart(self._observe())

  def step(self, action: np.ndarray) -> dm_env.TimeStep:
    """Takes the action [A]; there must be an episode under way."""
    spec = self.action_spec()
    spec.validate(action)
    episode = self.episodes[-1]
    discounts = self._discounts[(len(self.episodes) - 1) % len(self._discounts)]
    discount = discounts[len(episode.actions)]
    self._steps += 1
    # Distinct, of both signs, and exact in float32.
    reward = float(self._steps * (-1) ** self._steps)
    episode.actions.append(action)
    episode.rewards.append(reward)
    episode.discounts.append(discount)
    is_last = len(episode.actions) == len(discounts)
    return dm_env.TimeStep(
      step_type=dm_env.StepType.LAST if is_last else dm_env.StepType.MID,
      reward=np.float32(reward),
      discount=np.float32(discount),
      observation=self._observe(),
    )

  def observation_spec(self) -> specs.Array:
    """The episode and the step within it."""
    return specs.Array((2,), np.float32, 'observation')

  def action_spec(self) -> specs.BoundedArray:
    """A box that is neither centred nor a square."""
    return specs.BoundedArray((2,), self._action_dtype, [-3.0, 0.5], [-1.0, 8.5])

  def reward_spec(self) -> specs.Array:
    """Any number."""
    return specs.Array((), np.float32, 'reward')

  def discount_spec(self) -> specs.BoundedArray:
    """From 0 to 1."""
    return specs.BoundedArray((), np.float32, 0.0, 1.0, 'discount')

  def _observe(self) -> np.ndarray:
    episode = self.episodes[-1]
    observation = np.array([len(self.episodes), len(episode.actions)], np.float32)
    episode.observations.append(observation)
    return observation


def encode(action: np.ndarray) -> np.ndarray:
  """Returns the action [A] scaled to [-1, 1], worked out for this environment."""
  return ((action - np.array([-2.0, 4.5])) / np.array([1.0, 4.0])).astype(np.float32)


def expected_rows(
  episode: Episode, n_step: int, discount: float, is_over: bool = True
) -> np.ndarray:
  """Returns the rows [o_tm1, a_tm1, r_t, d_t, o_t] of an episode, [T, 2 O + A + 2].

  Args:
    episode: with T transitions.
    n_step: steps that a transition spans, but for the end of the episode.
    discount: of the agent.
    is_over: whether the episode has ended; if not, those n_step - 1 transitions are
      left out that are not complete yet.
  """
  length = len(episode.actions)
  rows = []
  for start in range(length if is_over else length - n_step + 1):
    end = min(start + n_step, length)
    reward = sum(
      episode.rewards[k]
      * discount ** (k - start)
      * np.prod(episode.discounts[start:k], dtype=np.float64)
      for k in range(start, end)
    )
    factor = discount ** (end - start) * np.prod(episode.discounts[start:end])
    rows.append(
      np.concatenate(
        [
          episode.observations[start],
          encode(episode.actions[start]),
          [reward, factor],
          episode.observations[end],
        ]
      )
    )
  return np.asarray(rows, np.float32).reshape(-1, 2 * 2 + 2 + 2)
