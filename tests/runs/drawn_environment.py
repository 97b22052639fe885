"""An environment of five steps whose picture says which step it is; one that fails."""

import dm_env
import numpy as np
from dm_env import specs


class Drawn(dm_env.Environment):
  def __init__(self, steps_drawn: int):
    self._steps_drawn = steps_drawn

  def reset(self) -> dm_env.TimeStep:
    self._step = 0
    return dm_env.restart(np.zeros(1, np.float32))

  def step(self, action: np.ndarray) -> dm_env.TimeStep:
    self._step += 1
    observation = np.full(1, self._step, np.float32)
    if self._step == 5:
      return dm_env.termination(1.0, observation)
    return dm_env.transition(0.0, observation)

  def observation_spec(self) -> specs.Array:
    return specs.Array((1,), np.float32)

  def action_spec(self) -> specs.BoundedArray:
    return specs.BoundedArray((1,), np.float32, -1.0, 1.0)

  def control_timestep(self) -> float:
    return 0.1

  def render(self, height: int, width: int) -> np.ndarray:
    if self._step >= self._steps_drawn:
      raise RuntimeError('the pencil is broken')
    return np.full((height, width, 3), 40 * self._step, np.uint8)


def make(seed: int) -> Drawn:
  return Drawn(steps_drawn=6)


def make_broken(seed: int) -> Drawn:
  return Drawn(steps_drawn=2)
