"""What moves on the pitch of Goal: bodies, the player's kick, the keeper's way.

After the simulator of Masson, Ranchod, Konidaris (arXiv 1509.01644), whose constants
are those of the RoboCup soccer server. Positions are complex numbers in metres: the
goal line is at the real part 20, and its middle at 20 + 0i. Speeds are in metres a
cycle, angles in radians.
"""

import cmath
import dataclasses
import math

import numpy as np

GOAL_LINE = 20.0
HALF_WIDTH = 15.0  # Of the pitch.
POST = 7.01  # Of the goal, from its middle.
KICKABLE = 1.6  # From the player's centre to the ball's.
CATCHABLE = 2.0
_MAX_POWER = 100.0
_INERTIA = 5.0
_NEARLY = math.pi / 8


@dataclasses.dataclass
class Body:
  """A disc.

  Attributes:
    position: of its centre.
    size: its radius.
    power_rate: acceleration from a power of 1.
    noise: share of angle and of speed up to which they are random.
    limit: of acceleration and of speed, in each direction.
    decay: of speed, a cycle.
  """

  position: complex
  size: float
  power_rate: float
  noise: float
  limit: float
  decay: float
  velocity: complex = 0j

  def move(self) -> None:
    """Goes on for a cycle."""
    self.position += self.velocity
    self.velocity *= self.decay

  def accelerate(self, power: float, angle: float, random: np.random.Generator) -> None:
    """Pushes; the angle is wrong by a share of itself, as published."""
    angle *= 1.0 + random.uniform(-self.noise, self.noise)
    most = self.noise * abs(self.velocity)
    noise = complex(*random.uniform(-most, most, 2))
    push = cmath.rect(self.power_rate * power, angle) + noise
    self.velocity = _bound(self.velocity + _bound(push, self.limit), self.limit)

  def part_from(self, other: 'Body') -> None:
    """Shifts two bodies apart if they overlap, and turns both back."""
    between = other.position - self.position
    overlap = self.size + other.size - abs(between)
    if overlap <= 0.0:
      return
    shift = cmath.rect(0.5 * overlap, cmath.phase(between))
    self.position -= shift
    other.position += shift
    self.velocity, other.velocity = -self.velocity, -other.velocity


@dataclasses.dataclass
class Player(Body):
  """A body that faces somewhere; the keeper is one, too."""

  orientation: float = 0.0

  def can_kick(self, ball: Body) -> bool:
    """Returns whether the ball is near enough."""
    return abs(ball.position - self.position) <= KICKABLE

  def kick(self, ball: Body, target: complex, random: np.random.Generator) -> None:
    """Kicks the ball so as to stop at a target; goes to it if it is too far away."""
    if not self.can_kick(ball):
      self._approach(ball, random)
      return
    wanted = (1.0 - ball.decay) * (target - self.position) - ball.velocity
    control = self._control(ball)
    power = min(abs(wanted) / (control * ball.power_rate), _MAX_POWER)
    ball.accelerate(power * control, cmath.phase(wanted), random)

  def guard(self, ball: Body, random: np.random.Generator) -> None:
    """Goes, as a keeper, to where it cuts a shot off, or to where the ball ends."""
    end = ball.position + ball.velocity / (1.0 - ball.decay)
    target = _crossing(self.position, ball, end)
    self.orientation = cmath.phase((end if target is None else target) - self.position)
    self.accelerate(8.0 if target is None else 20.0, self.orientation, random)

  def _approach(self, ball: Body, random: np.random.Generator) -> None:
    off = _wrap(cmath.phase(ball.position - self.position) - self.orientation)
    if abs(off) >= _NEARLY:
      self.orientation += off / (1.0 + _INERTIA * abs(self.velocity))
    else:
      self.accelerate(10.0, self.orientation, random)

  def _control(self, ball: Body) -> float:
    """Returns the share of its power that reaches the ball."""
    between = ball.position - self.position
    off = abs(_wrap(cmath.phase(between) - self.orientation))
    return 1.0 - 0.25 * off / math.pi - 0.25 * abs(between) / KICKABLE


def make_player(position: complex, orientation: float) -> Player:
  """Returns a player, or a keeper, that stands."""
  return Player(position, 0.9, 0.006, 0.1, 1.0, 0.4, orientation=orientation)


def make_ball(position: complex) -> Body:
  """Returns a ball that rests."""
  return Body(position, 0.4, 0.027, 0.05, 2.7, 0.94)


def _crossing(keeper: complex, ball: Body, end: complex) -> complex | None:
  """Returns the point of the ball's line nearest to the keeper if it is a shot."""
  way = end - ball.position
  if end.real <= GOAL_LINE or way.real == 0.0 or way.imag == 0.0:
    return None
  height = ball.position.imag + (GOAL_LINE - ball.position.real) * way.imag / way.real
  if abs(height) > POST + CATCHABLE:
    return None
  along = ((keeper - ball.position) * way.conjugate()).real / abs(way) ** 2
  return ball.position + along * way


def _bound(vector: complex, most: float) -> complex:
  """Returns a vector with each of its parts within -most ... most."""
  real, imaginary = (max(-most, min(x, most)) for x in (vector.real, vector.imag))
  return complex(real, imaginary)


def _wrap(angle: float) -> float:
  """Returns an angle within -pi ... pi."""
  return math.remainder(angle, 2.0 * math.pi)
