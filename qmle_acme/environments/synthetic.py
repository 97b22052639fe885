"""Problems of one step with a known optimum, in every kind of action space.

An observation o is a point drawn uniformly from the square [-1, 1]^2. Every problem has
C coordinates, each from -1 to 1: those of a box as they are, an integer between its
bounds put on an even grid of that interval, ends included. The best value of coordinate
i depends on o,

    c_i(o) = 0.8 (o_1 cos t_i + o_2 sin t_i) / (|cos t_i| + |sin t_i|),   t_i = i g,

with g = pi (3 - sqrt 5), the golden angle, so that no two coordinates go by the same
direction; where the coordinate lies on a grid it is the nearest point of that. The
reward is the mean over the coordinates of

    max(exp(-d^2 / (2 w^2)), 0.8 rugged exp(-2 (|d| - 1)^2)),   d = value - c_i(o),

with w = 0.5 - 0.35 rugged, so it is at most 1, and 1 only where every coordinate is
right. Neighbouring values are rewarded alike, and each coordinate by itself, so that
little has to be tried to know much. With `rugged` = 0 the climb from anywhere leads to
the top. Up to 1 that peak becomes narrower, and wide lower ones rise at the distance 1,
of which the bounds leave one within reach at most, or two at the bounds: C coordinates
have 2^C local optima and more.

A mirrored problem has a second optimum, at -c(o): the reward is the larger of those for
the action and for its opposite. There the coordinates depend on one another, since half
of one optimum and half of the other is worth about half of either.

O = 2; `...` any leading dimensions.
"""

import re
from typing import Any

import dm_env
import numpy as np
from dm_env import specs

from qmle_acme.errors import UserError

_REACH = 0.8
_GOLDEN_ANGLE = np.pi * (3.0 - np.sqrt(5.0))
_WIDTH = 0.5
_NARROWING = 0.35
_DECOY_HEIGHT = 0.8
_DECOY_DISTANCE = 1.0
_MAX_ACTIONS = 1_000_000_000
_MAX_SIZE = 200
_HYBRID_ACTIONS = 10
_HYBRID_SIZE = 2
_NAME = re.compile(
  r'(discrete:(?P<n>\d+)|box:(?P<size>\d+)|multidiscrete:(?P<count>\d+)x(?P<each>\d+)'
  r'|hybrid)(?P<mirrored>:mirrored)?(:rugged:(?P<rugged>\d+(\.\d+)?))?'
)


def landscape(distance: np.ndarray, rugged: float) -> np.ndarray:
  """Returns the reward [...] at a signed distance [...] from the best value."""
  width = _WIDTH - _NARROWING * rugged
  peak = np.exp(-0.5 * np.square(distance / width))
  away = np.abs(distance) - _DECOY_DISTANCE
  decoy = _DECOY_HEIGHT * rugged * np.exp(-0.5 * np.square(away / _WIDTH))
  return np.maximum(peak, decoy)


class Synthetic(dm_env.Environment):
  """Episodes of one step that ends with discount 0; the seed draws observations.

  An action is an integer or an array, as its spec says, or a tuple of such.

  Attributes:
    optimal_reward: of the best action, whatever the observation.
  """

  optimal_reward = 1.0

  def __init__(
    self,
    action_spec: specs.BoundedArray | tuple[specs.BoundedArray, ...],
    rugged: float,
    is_mirrored: bool,
    seed: int,
  ):
    """Initialises.

    Args:
      action_spec: float boxes [-1, 1] and integers between bounds.
      rugged: from 0 to 1, see above.
      is_mirrored: whether there is a second optimum.
      seed: of the observations.
    """
    self._action_spec = action_spec
    self._parts = action_spec if isinstance(action_spec, tuple) else (action_spec,)
    self._rugged = rugged
    self._is_mirrored = is_mirrored
    self._random = np.random.default_rng(seed)
    self._observation: np.ndarray | None = None
    sizes = [int(np.prod(part.shape)) for part in self._parts]
    self._ends = np.cumsum(sizes)[:-1]  # Where the coordinates of the next part begin.
    angles = _GOLDEN_ANGLE * np.arange(sum(sizes))
    directions = np.stack([np.cos(angles), np.sin(angles)])  # [O, C]
    self._directions = directions / np.abs(directions).sum(axis=0)

  def reset(self) -> dm_env.TimeStep:
    """Starts an episode."""
    self._observation = self._random.uniform(-1.0, 1.0, 2).astype(np.float32)
    return dm_env.restart(self._observation)

  def step(self, action: Any) -> dm_env.TimeStep:
    """Ends the episode with the reward of the action; starts one if none is open."""
    if self._observation is None:
      return self.reset()
    observation, self._observation = self._observation, None
    return dm_env.TimeStep(
      step_type=dm_env.StepType.LAST,
      reward=np.float32(self.reward(observation, action)),
      discount=np.float32(0.0),
      observation=observation,
    )

  def reward(self, observation: np.ndarray, action: Any) -> float:
    """Returns the reward of an action for observation [O]."""
    best = self._to_coordinates(self.optimal_action(observation))
    values = self._to_coordinates(action)  # [C]
    rewards = [np.mean(landscape(values - best, self._rugged))]
    if self._is_mirrored:
      rewards.append(np.mean(landscape(-values - best, self._rugged)))
    return float(max(rewards))

  def optimal_action(self, observation: np.ndarray) -> Any:
    """Returns the best action for observation [O], one of both if there are two."""
    best = _REACH * np.asarray(observation, np.float64) @ self._directions  # [C]
    pieces = zip(self._parts, np.split(best, self._ends), strict=True)
    actions = tuple(_from_coordinates(part, piece) for part, piece in pieces)
    return actions if isinstance(self._action_spec, tuple) else actions[0]

  def observation_spec(self) -> specs.BoundedArray:
    """A point of the square [-1, 1]^2."""
    return specs.BoundedArray((2,), np.float32, -1.0, 1.0, 'observation')

  def action_spec(self) -> specs.BoundedArray | tuple[specs.BoundedArray, ...]:
    """The spec that it was made with."""
    return self._action_spec

  def reward_spec(self) -> specs.BoundedArray:
    """From 0 to 1."""
    return specs.BoundedArray((), np.float32, 0.0, 1.0, 'reward')

  def discount_spec(self) -> specs.BoundedArray:
    """Always 0."""
    return specs.BoundedArray((), np.float32, 0.0, 1.0, 'discount')

  def _to_coordinates(self, action: Any) -> np.ndarray:
    """Returns the values [C] of the coordinates of an action."""
    actions = action if isinstance(self._action_spec, tuple) else (action,)
    pieces = zip(self._parts, actions, strict=True)
    return np.concatenate([_to_coordinates(part, piece) for part, piece in pieces])


def _to_coordinates(spec: specs.BoundedArray, action: Any) -> np.ndarray:
  """Returns what one part of an action is on [-1, 1], float64."""
  low, high = (np.asarray(b, np.float64) for b in (spec.minimum, spec.maximum))
  return np.reshape(2.0 * (np.asarray(action, np.float64) - low) / (high - low) - 1, -1)


def _from_coordinates(spec: specs.BoundedArray, values: np.ndarray) -> np.ndarray:
  """Returns the part of an action nearest to values on [-1, 1]."""
  low, high = (np.asarray(b, np.float64) for b in (spec.minimum, spec.maximum))
  action = low + 0.5 * (values.reshape(spec.shape) + 1.0) * (high - low)
  is_integer = np.issubdtype(spec.dtype, np.integer)
  return np.asarray(np.rint(action) if is_integer else action, spec.dtype)


def names() -> tuple[str, ...]:
  """Returns examples of names."""
  return (
    'box:8',
    'box:8:mirrored',
    'box:8:rugged:0.5',
    'discrete:1000000',
    'hybrid',
    'multidiscrete:4x10',
  )


def knows(name: str) -> bool:
  """Returns whether a name has the form of one of the problems.

  They are discrete:<n>, box:<A>, multidiscrete:<A>x<n> and hybrid (one of 10 actions,
  and a box of 2), each of them also with :mirrored, :rugged:<level> or both behind it.
  """
  return _NAME.fullmatch(name) is not None


def make(name: str, seed: int) -> Synthetic:
  """Returns the problem of that name.

  Raises:
    UserError: a number in its name is out of range.
  """
  match = _NAME.fullmatch(name)
  assert match is not None
  rugged = float(match['rugged'] or 0.0)
  if rugged > 1.0:
    raise UserError(f'synthetic:{name}: rugged is {rugged}: it must be at most 1')
  return Synthetic(_make_spec(name, match), rugged, bool(match['mirrored']), seed)


def _make_spec(
  name: str, match: re.Match[str]
) -> specs.BoundedArray | tuple[specs.BoundedArray, ...]:
  def number(group: str, least: int, most: int) -> int:
    value = int(match[group])
    if not least <= value <= most:
      raise UserError(f'synthetic:{name}: {value} must be from {least:,} to {most:,}')
    return value

  if match['n']:
    return specs.DiscreteArray(number('n', 2, _MAX_ACTIONS), name='action')
  if match['size']:
    return _box(number('size', 1, _MAX_SIZE))
  if match['count']:
    shape = (number('count', 1, _MAX_SIZE),)
    last = number('each', 2, _MAX_ACTIONS) - 1
    return specs.BoundedArray(shape, np.int32, 0, last, 'action')
  return specs.DiscreteArray(_HYBRID_ACTIONS, name='action'), _box(_HYBRID_SIZE)


def _box(size: int) -> specs.BoundedArray:
  return specs.BoundedArray((size,), np.float32, -1.0, 1.0, 'action')
