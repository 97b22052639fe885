"""Goal: kick the ball somewhere, or shoot left or right of a keeper.

Masson, Ranchod, Konidaris, 'Reinforcement learning with parameterized actions' (AAAI
2016, arXiv 1509.01644), with the constants that Bester, James, Konidaris (arXiv
1905.04388) measured on. Half a pitch, a player with the ball at its left end, a keeper.
An action lasts until the ball rests and is the player's again, or the episode ends. A
goal is 50; where the keeper catches the ball, or it leaves the pitch, the reward is
minus its distance from the goal, and so it is after 100 actions. All else is 0.

The paper kicks to a point (x, y). The code that the published values were measured with
(cycraig/gym-goal, d1828a1) kicks to (x, x), which is harder: `is_as_released` does so.
"""

import cmath
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

from qmle_acme.environments import soccer

_GOAL_DEPTH = 2.44
_AREA_LENGTH, _AREA_HALF_WIDTH = 5.5, 9.16
_MAX_ACTIONS = 100
_RESTS = 0.1  # Metres a cycle.
_REWARD = 50.0
KICK, SHOOT_LEFT, SHOOT_RIGHT = range(3)
_HALF_TURN = np.pi
_BODY_LOW = [0.0, -soccer.HALF_WIDTH, -1.0, -1.0, -_HALF_TURN]
_BODY_HIGH = [soccer.GOAL_LINE, soccer.HALF_WIDTH, 1.0, 1.0, _HALF_TURN]
_LOW = np.array([*_BODY_LOW, *_BODY_LOW, *_BODY_LOW[:2], -3.0, -3.0, -1.0, -1.0, -7.01])
_HIGH = np.array([*_BODY_HIGH, *_BODY_HIGH, *_BODY_HIGH[:2], 3.0, 3.0, 1.0, 1.0, 14.02])


class Goal(gymnasium.Env):
  """The observation has what the published runs gave their agents, and scaled as there.

  It has position, velocity and orientation of the player and of the keeper, position
  and velocity of the ball, the direction from the keeper to the ball, and where the
  line through both meets the goal line: 17 numbers, -1 to 1 within the pitch.
  """

  observation_space = spaces.Box(-np.inf, np.inf, _LOW.shape, np.float32)
  action_space = spaces.Dict(
    {
      'action': spaces.Discrete(3),
      'kick_to': spaces.Box(
        np.array([0.0, -soccer.HALF_WIDTH], np.float32),
        np.array([2.0 * soccer.GOAL_LINE, soccer.HALF_WIDTH], np.float32),
      ),
      'shoot_left': spaces.Box(-soccer.POST, soccer.POST, (1,), np.float32),
      'shoot_right': spaces.Box(-soccer.POST, soccer.POST, (1,), np.float32),
    }
  )

  def __init__(self, is_as_released: bool = False) -> None:
    """Makes the pitch; see above."""
    self._is_as_released = is_as_released
    self._actions = 0
    self._starts: np.random.Generator | None = None

  def reset(
    self, *, seed: int | None = None, options: dict[str, Any] | None = None
  ) -> tuple[np.ndarray, dict[str, Any]]:
    """Puts the player, with the ball, anywhere on the line at the left end."""
    super().reset(seed=seed, options=options)
    if seed is not None or self._starts is None:
      # Of its own: where an episode begins does not depend on how long others were.
      self._starts = np.random.default_rng(self.np_random.integers(2**63))
    start = 1j * self._starts.uniform(-soccer.HALF_WIDTH, soccer.HALF_WIDTH)
    angle = cmath.phase(soccer.GOAL_LINE - start)
    self._player = soccer.make_player(start, angle)
    # A little less, or rounding may put it out of the player's reach.
    ball = start + cmath.rect(soccer.KICKABLE - 1e-12, angle)
    self._ball = soccer.make_ball(ball)
    keeper = _keeper_start(ball)
    self._keeper = soccer.make_player(keeper, cmath.phase(ball - keeper))
    self._actions = 0
    return self._observe(), {}

  def step(
    self, action: dict[str, Any]
  ) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
    """Takes an action to its end; of the parameters the others mean nothing."""
    self._actions += 1
    cycles, outcome = 0, 'late' if self._actions == _MAX_ACTIONS else ''
    is_kick = int(action['action']) == KICK
    target = self._target(action)
    while not outcome:
      outcome = self._move(target)
      cycles += 1
      can_kick = self._player.can_kick(self._ball)
      if is_kick and can_kick and abs(self._ball.velocity) <= _RESTS:
        break
    reward = self._reward(outcome)
    return self._observe(), reward, bool(outcome), False, {'cycles': cycles}

  def _target(self, action: dict[str, Any]) -> complex:
    """Returns where the ball is to go to."""
    names = ('kick_to', 'shoot_left', 'shoot_right')
    name = names[int(action['action'])]
    space = self.action_space[name]
    assert isinstance(space, spaces.Box)
    parameter = np.clip(np.asarray(action[name], np.float64), space.low, space.high)
    if name == 'kick_to':
      x, y = parameter
      return complex(x, x if self._is_as_released else y)
    return complex(soccer.GOAL_LINE + self._ball.size, parameter.item())

  def _move(self, target: complex) -> str:
    """Moves all by a cycle; returns how the episode has ended, or nothing."""
    player, keeper, ball = self._player, self._keeper, self._ball
    player.kick(ball, target, self.np_random)
    keeper.guard(ball, self.np_random)
    for body in (player, keeper, ball):
      body.move()
    for one, other in ((player, keeper), (player, ball), (keeper, ball)):
      one.part_from(other)
    x, y = ball.position.real, ball.position.imag
    beyond = x - soccer.GOAL_LINE
    if 0.0 <= beyond <= _GOAL_DEPTH and abs(y) <= soccer.POST:
      return 'goal'
    if abs(ball.position - keeper.position) < soccer.CATCHABLE:
      return 'caught'
    return '' if x >= 0.0 and beyond <= 0.0 and abs(y) <= soccer.HALF_WIDTH else 'out'

  def _reward(self, outcome: str) -> float:
    if outcome == 'goal':
      return _REWARD
    return -self._distance_from_goal() if outcome else 0.0

  def _distance_from_goal(self) -> float:
    """Returns the way from the ball to the nearest point of the goal's mouth."""
    position = self._ball.position
    aside = max(abs(position.imag) - soccer.POST, 0.0)
    return abs(complex(max(soccer.GOAL_LINE - position.real, 0.0), aside))

  def _observe(self) -> np.ndarray:
    state: list[float] = []
    for body in (self._player, self._keeper, self._ball):
      state += [body.position.real, body.position.imag]
      state += [body.velocity.real, body.velocity.imag]
      if isinstance(body, soccer.Player):
        state.append(body.orientation)
    between = self._ball.position - self._keeper.position
    direction = between / abs(between)
    state += [direction.real, direction.imag, self._meets_goal_line(between)]
    return (2.0 * (np.asarray(state) - _LOW) / (_HIGH - _LOW) - 1.0).astype(np.float32)

  def _meets_goal_line(self, between: complex) -> float:
    """Returns the height at which the line through keeper and ball does, as clipped.

    The upper end is that of the published code: twice as far out as the lower one.
    """
    low, high = _LOW[-1], _HIGH[-1]
    if between.real == 0.0:
      return low if between.imag > 0.0 else -low
    ball = self._ball.position
    slope = between.imag / between.real
    return float(np.clip(ball.imag + slope * (soccer.GOAL_LINE - ball.real), low, high))


def _keeper_start(ball: complex) -> complex:
  """Returns the point of the keeper's area on the way from the ball to the goal."""
  slope = -ball.imag / (soccer.GOAL_LINE - ball.real)
  x = soccer.GOAL_LINE - _AREA_LENGTH
  y = ball.imag + slope * (x - ball.real)
  return complex(x, min(max(y, -_AREA_HALF_WIDTH), _AREA_HALF_WIDTH))
