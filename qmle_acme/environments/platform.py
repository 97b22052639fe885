"""Platform: run, hop or leap, and how far, over two gaps and past two enemies.

Masson, Ranchod, Konidaris, 'Reinforcement learning with parameterized actions' (AAAI
2016, arXiv 1509.01644), with the constants that Bester, James, Konidaris (arXiv
1905.04388) measured on. Three platforms stand in a row, an enemy patrols the first and
another the second. An action lasts until the player stands again: a run for 20 frames,
a hop (high) or a leap (low) until it lands. The reward is the way made, as a share of
all, so an episode's return is at most 1. An episode ends at the right end, in a gap, or
at an enemy.

Lengths are in pixels, times in seconds; a place is the left end of a thing, and heights
are those of its foot.
"""

import dataclasses
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

_FRAME = 0.05
_FRAMES_OF_A_RUN = 20
_WIDTHS = (250.0, 275.0, 50.0)
_GAPS = (225.0, 235.0)
_STARTS = (0.0, 475.0, 985.0)
_END = 1_035.0
_TOP = 40.0  # Of every platform; they reach down to 0.
_WIDTH, _HEIGHT = 20.0, 30.0  # Of the player and of an enemy.
_ENEMY_SPEED = 30.0
_NOISE = 0.5  # Standard deviation of the accelerations of all, a frame's.
_JUMP_NOISE = 1.0
_GRAVITY = 9.8
_HOP_SPEED, _LEAP_SPEED = 35.0, 25.0  # Upwards, at the start of it.
_MAX_SPEED, _MAX_RISE = 100.0, 200.0
_MAX_SPEED_ON_GROUND = 70.0
_MAX_PUSH = 30.0  # Of horizontal speed, in a frame.
_DECAY = 0.99
RUN, HOP, LEAP = range(3)
_PARAMETERS = {'run': 30.0, 'hop': 720.0, 'leap': 430.0}
_SHIFT = np.array([20.0, 0.0, 0.0, 30.0, 0.0, 0.0, 0.0, 0.0])
_SCALE = np.array([1_055.0, 100.0, 1_035.0, 60.0, 275.0, 275.0, 235.0, 1_035.0])


def _clip(value: float, low: float, high: float) -> float:
  """Returns the nearest value within bounds; numpy's takes ten times as long."""
  return max(low, min(value, high))


@dataclasses.dataclass
class _Enemy:
  """Walks to and fro on a platform, from `start` to `end`.

  Attributes:
    x: of its left end.
    speed: with its sign.
  """

  start: float
  end: float
  x: float
  speed: float = -_ENEMY_SPEED

  def move(self, random: np.random.Generator) -> None:
    """Walks for a frame."""
    if not self.start < self.x < self.end:
      self.speed = -self.speed
    speed = self.speed + random.normal(0.0, _NOISE * _FRAME)
    self.speed = _clip(speed, -_ENEMY_SPEED, _ENEMY_SPEED)
    self.x = _clip(self.x + self.speed * _FRAME, self.start, self.end)


class Platform(gymnasium.Env):
  """The observation is scaled to [-1, 1], as in the published runs.

  It has the player's place and speed, the enemy's, and the widths of this platform, of
  the next and of the gap between, and this platform's place. The published one has also
  a difference of heights, which is always 0, and the frames that the action took.
  """

  observation_space = spaces.Box(-1.0, 1.0, _SHIFT.shape, np.float32)
  action_space = spaces.Dict(
    {'action': spaces.Discrete(3)}
    | {n: spaces.Box(0.0, high, (1,), np.float32) for n, high in _PARAMETERS.items()}
  )

  def __init__(self) -> None:
    self._start()

  def reset(
    self, *, seed: int | None = None, options: dict[str, Any] | None = None
  ) -> tuple[np.ndarray, dict[str, Any]]:
    """Puts the player at the left end, and each enemy at the right of its platform."""
    super().reset(seed=seed, options=options)
    self._start()
    return self._observe(), {}

  def step(
    self, action: dict[str, Any]
  ) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
    """Takes an action to its end; of the parameters the other two mean nothing."""
    kind = int(action['action'])
    name = tuple(_PARAMETERS)[kind]
    parameter = _clip(action[name].item(), 0.0, _PARAMETERS[name])
    before = self._x
    frames = 0
    while True:
      self._move(kind, parameter)
      frames += 1
      is_over = self._is_over()
      is_done = frames == _FRAMES_OF_A_RUN if kind == RUN else self._stands()
      if is_over or is_done:
        break
    reward = (self._x - before) / _END
    return self._observe(), reward, is_over, False, {'frames': frames}

  def _start(self) -> None:
    self._x, self._y = 0.0, _TOP
    self._speed, self._rise = 0.0, 0.0  # To the right, and upwards.
    edges = [start + w - _WIDTH for start, w in zip(_STARTS, _WIDTHS, strict=True)]
    self._enemies = [_Enemy(_STARTS[i], edges[i], edges[i]) for i in range(2)]

  def _move(self, kind: int, parameter: float) -> None:
    """Moves everything by a frame."""
    if not self._stands():
      self._accelerate(0.0, -_GRAVITY * _FRAME)
    elif kind == RUN:
      self._accelerate(parameter, 0.0)
    else:
      self._jump(parameter, _HOP_SPEED if kind == HOP else _LEAP_SPEED)
    if self._stands():
      self._speed = min(self._speed, _MAX_SPEED_ON_GROUND)
    enemy = self._enemy()
    self._x = _clip(self._x + self._speed * _FRAME, 0.0, _END)
    self._y += self._rise * _FRAME
    self._speed *= _DECAY
    enemy.move(self.np_random)
    for start, width in zip(_STARTS, _WIDTHS, strict=True):
      self._push_out(start, start + width)

  def _accelerate(self, forward: float, upward: float) -> None:
    """Changes the velocity; what is lost on the way is random."""
    self._speed += _clip(forward, -_MAX_PUSH, _MAX_PUSH)
    self._speed -= abs(self.np_random.normal(0.0, _NOISE * _FRAME))
    self._speed = _clip(self._speed, 0.0, _MAX_SPEED)
    self._rise = _clip(self._rise + upward, -_MAX_RISE, _MAX_RISE)

  def _jump(self, distance: float, upward: float) -> None:
    """Jumps off so as to land at a distance; it gets a little less far."""
    flight = 2.0 * upward / _GRAVITY + 1.0
    lost = np.abs(self.np_random.normal(0.0, _JUMP_NOISE, 2)).tolist()
    forward = min(distance / flight - self._speed, _MAX_RISE - upward)
    self._accelerate(forward - lost[0], upward - lost[1])

  def _push_out(self, start: float, end: float) -> None:
    """Moves the player out of a platform, the shorter way, and stops it.

    It lands so, or it hits a side, from where it falls.
    """
    if not (start - _WIDTH < self._x < end and -_HEIGHT < self._y < _TOP):
      return
    x, y = self._x, self._y
    if x < start:
      x = start - _WIDTH
    elif x > end - _WIDTH:
      x = end
    if y > _TOP - _HEIGHT:
      y = _TOP
    elif y < 0.0:
      y = -_HEIGHT
    aside, up = abs(x - self._x), abs(y - self._y)
    if aside == 0.0 or (up != 0.0 and aside >= up):
      self._y, self._rise = y, 0.0
    else:
      self._x = x
    self._speed = 0.0

  def _stands(self) -> bool:
    return self._y == _TOP and any(
      -_WIDTH <= self._x - start <= width
      for start, width in zip(_STARTS, _WIDTHS, strict=True)
    )

  def _is_over(self) -> bool:
    """Returns whether the player is at the end, in a gap, or at an enemy."""
    if self._x >= _END or self._y < _TOP:
      return True
    return self._y - _TOP < _HEIGHT and any(
      abs(self._x - enemy.x) < _WIDTH for enemy in self._enemies
    )

  def _enemy(self) -> _Enemy:
    """Returns the enemy that moves: that of the first platform, then the other."""
    return self._enemies[int(self._x > _STARTS[1])]

  def _observe(self) -> np.ndarray:
    enemy = self._enemy()
    here = int(np.searchsorted(_STARTS, self._x, side='right')) - 1
    ahead = (_WIDTHS[here + 1], _GAPS[here]) if here < 2 else (0.0, 0.0)
    state = [self._x, self._speed, enemy.x, enemy.speed]
    state += [_WIDTHS[here], *ahead, _STARTS[here]]
    scaled = 2.0 * (np.asarray(state) + _SHIFT) / _SCALE - 1.0
    return np.clip(scaled, -1.0, 1.0).astype(np.float32)
