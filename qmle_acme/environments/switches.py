"""Switches and dials of one plant, all set at once, for several steps.

'switches:12x2' has 12 switches and 2 dials. The observation is the setting that is
wanted, drawn uniformly for every step: a switch is -1 or 1, a dial lies in [-1, 1]. The
reward of a step is the share of switches that are as wanted, times one minus half the
mean distance of the dials from where they should be: at most 1, by chance a third. An
episode has 20 steps, so its best return is 20. There are 2^12 settings of the switches
alone, and what a step does has no effect on the next.

S switches, D dials.
"""

import re
from typing import Any

import dm_env
import numpy as np
from dm_env import specs

from qmle_acme.errors import UserError

_NAME = re.compile(r'(\d+)x(\d+)')
_STEPS = 20
_MOST = 200


class Switches(dm_env.Environment):
  """Actions are dictionaries: 'switches', 0 or 1 [S], and 'dials', floats [D].

  Attributes:
    optimal_return: of an episode.
  """

  optimal_return = float(_STEPS)

  def __init__(self, switches: int, dials: int, seed: int):
    """Makes a plant with S switches and D dials; of one of them there may be none."""
    self._action_spec: dict[str, specs.BoundedArray] = {}
    if switches:
      spec = specs.BoundedArray((switches,), np.int8, 0, 1, 'switches')
      self._action_spec['switches'] = spec
    if dials:
      spec = specs.BoundedArray((dials,), np.float32, -1.0, 1.0, 'dials')
      self._action_spec['dials'] = spec
    self._sizes = (switches, dials)
    self._random = np.random.default_rng(seed)
    self._wanted = np.zeros(switches + dials, np.float32)
    self._steps_left = 0

  def reset(self) -> dm_env.TimeStep:
    """Starts an episode."""
    self._steps_left = _STEPS
    return dm_env.restart(self._draw())

  def step(self, action: dict[str, np.ndarray]) -> dm_env.TimeStep:
    """Sets everything; starts an episode if the last one is over."""
    if not self._steps_left:
      return self.reset()
    reward = np.float32(self.reward(action))
    self._steps_left -= 1
    observation = self._draw()
    if self._steps_left:
      return dm_env.transition(reward, observation, np.float32(1.0))
    return dm_env.truncation(reward, observation, np.float32(1.0))

  def reward(self, action: dict[str, np.ndarray]) -> float:
    """Returns what an action is worth now."""
    switches, dials = np.split(self._wanted, [self._sizes[0]])
    value = 1.0
    if switches.size:
      value *= float(np.mean(np.asarray(action['switches']) == (switches > 0.0)))
    if dials.size:
      value *= 1.0 - 0.5 * float(np.mean(np.abs(action['dials'] - dials)))
    return value

  def observation_spec(self) -> specs.BoundedArray:
    """The wanted setting [S + D]."""
    size = sum(self._sizes)
    return specs.BoundedArray((size,), np.float32, -1.0, 1.0, 'observation')

  def action_spec(self) -> dict[str, specs.BoundedArray]:
    """Integers 0 and 1, and floats within [-1, 1]."""
    return dict(self._action_spec)

  def reward_spec(self) -> specs.BoundedArray:
    """From 0 to 1."""
    return specs.BoundedArray((), np.float32, 0.0, 1.0, 'reward')

  def discount_spec(self) -> specs.BoundedArray:
    """Always 1: an episode is only cut off."""
    return specs.BoundedArray((), np.float32, 0.0, 1.0, 'discount')

  def _draw(self) -> np.ndarray:
    """Draws what is wanted next."""
    switches, dials = self._sizes
    on = self._random.integers(0, 2, switches)
    values: Any = [2.0 * on - 1.0, self._random.uniform(-1.0, 1.0, dials)]
    self._wanted = np.concatenate(values).astype(np.float32)
    return self._wanted.copy()


def names() -> tuple[str, ...]:
  """Returns examples of names, which have the form <switches>x<dials>."""
  return ('12x2', '40x0')


def knows(name: str) -> bool:
  """Returns whether a name has that form."""
  return _NAME.fullmatch(name) is not None


def make(name: str, seed: int) -> Switches:
  """Returns the plant of that name.

  Raises:
    UserError: it has too many parts, or none.
  """
  match = _NAME.fullmatch(name)
  assert match is not None
  switches, dials = int(match[1]), int(match[2])
  if not 1 <= switches + dials <= _MOST:
    raise UserError(
      f'switches:{name}: switches and dials must be from 1 to {_MOST} together'
    )
  return Switches(switches, dials, seed)
