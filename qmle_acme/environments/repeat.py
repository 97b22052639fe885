"""Actions that are held: an environment that takes each action several times.

'repeat:8:control:pendulum:swingup' is control:pendulum:swingup with every action taken
8 times, and its rewards summed. One step of it is 8 of the other, or fewer where the
episode ends.
"""

from typing import Any

import dm_env
import numpy as np
from acme.wrappers import base

from qmle_acme.environments import registry, variations

knows = variations.knows


class Held(base.EnvironmentWrapper):
  """Takes each action several times, but never over the end of an episode.

  Acme's ActionRepeatWrapper fails at a step that starts an episode, and its rewards are
  float64; its SinglePrecisionWrapper would mend those, but change the actions, too.
  """

  def __init__(self, environment: dm_env.Environment, times: int):
    """Initialises.

    Args:
      environment: its observations are float32.
      times: how often each action is taken, at least 1.
    """
    super().__init__(environment)
    self._times = times

  def step(self, action: Any) -> dm_env.TimeStep:
    """Takes the action; starts an episode if the last one is over.

    The reward is the sum of all, each times the discounts before it; the discount is
    their product. Both are float32.
    """
    reward, discount = 0.0, 1.0
    for _ in range(self._times):
      timestep = super().step(action)
      if timestep.first():
        return timestep
      reward += discount * timestep.reward
      discount *= timestep.discount
      if timestep.last():
        break
    return timestep._replace(reward=np.float32(reward), discount=np.float32(discount))

  def control_timestep(self) -> float:
    """Returns the seconds of the environment's own time in a step."""
    return self._times * self._environment.control_timestep()


def names() -> tuple[str, ...]:
  """Returns examples of names, which have the form <times>:<another environment>."""
  return ('8:control:pendulum:swingup',)


def make(name: str, seed: int) -> Held:
  """Returns the environment of that name.

  Raises:
    UserError: the number is out of range, or there is no such other environment.
  """
  times, other = variations.parse('repeat', name)
  return Held(registry.make(other, seed), times)
