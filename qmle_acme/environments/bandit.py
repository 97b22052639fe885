"""A continuous bandit whose wide low mode misleads whoever follows the gradient.

Shapes: A = 2, the size of an action. The reward of an action is the higher of two
Gaussian bumps, `WIDE` and `NARROW`. The best action is the centre of the narrow one,
which covers about a seventh of the box; from nearly all the rest the reward climbs to
the wide one.
"""

import dataclasses

import dm_env
import numpy as np
from dm_env import specs


@dataclasses.dataclass(frozen=True)
class Bump:
  """The function height * exp(-|action - centre|^2 / (2 width^2)).

  Attributes:
    centre: the action [A] at the top.
    height: the value at the top.
    width: the standard deviation, in units of the action.
  """

  centre: tuple[float, float]
  height: float
  width: float

  def __call__(self, action: np.ndarray) -> np.ndarray:
    """Returns the values [...] at the actions [..., A]."""
    squared = np.sum(np.square(action - np.asarray(self.centre)), axis=-1)  # [...]
    return self.height * np.exp(-0.5 * squared / self.width**2)


WIDE = Bump(centre=(-0.4, -0.4), height=0.7, width=0.5)
NARROW = Bump(centre=(0.5, 0.5), height=1.0, width=0.15)


def reward(action: np.ndarray) -> np.ndarray:
  """Returns the rewards [...] of the actions [..., A]."""
  return np.maximum(WIDE(action), NARROW(action))


class Bandit(dm_env.Environment):
  """Episodes of one step that ends with discount 0; nothing is random.

  Attributes:
    optimal_action: the best action [A].
    optimal_reward: its reward, so the best return of an episode.
  """

  optimal_action = np.asarray(NARROW.centre, np.float32)
  optimal_reward = NARROW.height

  def __init__(self) -> None:
    self._in_episode = False

  def reset(self) -> dm_env.TimeStep:
    """Starts an episode."""
    self._in_episode = True
    return dm_env.restart(self._observation())

  def step(self, action: np.ndarray) -> dm_env.TimeStep:
    """Ends the episode with the reward of the action; starts one if none is open."""
    if not self._in_episode:
      return self.reset()
    self._in_episode = False
    return dm_env.TimeStep(
      step_type=dm_env.StepType.LAST,
      reward=np.float32(reward(action)),
      discount=np.float32(0.0),
      observation=self._observation(),
    )

  def observation_spec(self) -> specs.Array:
    """One number that is always 1."""
    return specs.Array((1,), np.float32, 'observation')

  def action_spec(self) -> specs.BoundedArray:
    """A point of the square [-1, 1]^2."""
    return specs.BoundedArray((2,), np.float32, -1.0, 1.0, 'action')

  def reward_spec(self) -> specs.Array:
    """From 0 to the height of the narrow bump."""
    return specs.Array((), np.float32, 'reward')

  def discount_spec(self) -> specs.BoundedArray:
    """Always 0."""
    return specs.BoundedArray((), np.float32, 0.0, 1.0, 'discount')

  def _observation(self) -> np.ndarray:
    return np.ones((1,), np.float32)


def names() -> tuple[str, ...]:
  """Returns the names within the family."""
  return ('bimodal',)


def knows(name: str) -> bool:
  """Returns whether there is a bandit of that name."""
  return name in names()


def make(name: str, seed: int) -> dm_env.Environment:
  """Returns the bandit; the seed changes nothing, for nothing in it is random."""
  del name, seed
  return Bandit()
