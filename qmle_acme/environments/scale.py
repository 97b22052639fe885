"""Rewards of another unit: an environment whose rewards are multiplied by a factor.

'scale:1000:control:walker:walk' is control:walker:walk with rewards in thousandths of
the unit. What an agent learns should not depend on it.
"""

from typing import Any

import dm_env
import numpy as np
from acme.wrappers import base
from dm_env import specs

from qmle_acme.environments import registry, variations

_MIN_FACTOR, _MAX_FACTOR = 1e-9, 1e9

knows = variations.knows


class Scaled(base.EnvironmentWrapper):
  """Multiplies rewards by a factor; all else is as it was."""

  def __init__(self, environment: dm_env.Environment, factor: float):
    """Initialises.

    Args:
      environment: whose rewards are numbers.
      factor: of the rewards, more than 0.
    """
    super().__init__(environment)
    self._factor = factor

  def step(self, action: Any) -> dm_env.TimeStep:
    """Takes the action; the reward that follows is float32."""
    timestep = super().step(action)
    if timestep.first():
      return timestep
    return timestep._replace(reward=np.float32(self._factor * float(timestep.reward)))

  def reward_spec(self) -> specs.Array:
    """Any number: bounds of the other one do not hold here."""
    return specs.Array((), np.float32, 'reward')


def names() -> tuple[str, ...]:
  """Returns examples of names, which have the form <factor>:<another environment>."""
  return ('1000:control:cartpole:swingup', '0.001:control:cartpole:swingup')


def make(name: str, seed: int) -> Scaled:
  """Returns the environment of that name.

  Raises:
    UserError: the factor is out of range, or there is no such other environment.
  """
  factor, other = variations.parse_number('scale', name, _MIN_FACTOR, _MAX_FACTOR)
  return Scaled(registry.make(other, seed), factor)
