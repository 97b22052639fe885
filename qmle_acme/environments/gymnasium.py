"""Gymnasium's environments, as dm_env sees them.

Shapes: O = the size of an observation. Observations of any nested space become one
float32 vector, by Gymnasium's own `flatten`: boxes row by row, discrete numbers
one-hot, the members of a tuple in order, those of a dictionary in the order of its
space.

Gymnasium tells termination from truncation where dm_env has a discount: a step that
terminates ends the episode with discount 0, one that is only cut off with discount 1.
"""

import math
import re
import traceback
from typing import Any, TypeAlias

import dm_env
import gymnasium
import numpy as np
import PIL.Image
import PIL.ImageOps
import tree
from dm_env import specs
from gymnasium import spaces
from gymnasium.envs.registration import EnvSpec, load_env_creator

from qmle_acme.actions import ItemArray, NoopArray
from qmle_acme.environments import gl, modules, observations
from qmle_acme.environments.checked import Invalid, one_number, shown
from qmle_acme.errors import UserError, in_one_line

# A spec, or a tuple or dictionary of such.
ActionSpec: TypeAlias = Any
_RENDER_MODE = 'rgb_array'
_MAX_EPISODE_STEPS = 1_000
# What functions return; those of environments of the old Gym return less.
_RETURNED = {
  'reset': ('observation', 'info'),
  'step': ('observation', 'reward', 'terminated', 'truncated', 'info'),
}


class Adapter(dm_env.Environment):
  """An environment of Gymnasium behind dm_env's interface.

  Actions have the form of the spec: an integer for `Discrete`, from 0 whatever the
  space starts at; an array for `MultiDiscrete`, `MultiBinary` and `Box`;
  tuples and dictionaries of these for `Tuple` and `Dict`.
  """

  def __init__(self, environment: gymnasium.Env, seed: int):
    """Wraps an environment.

    Args:
      environment: whose spaces are supported.
      seed: given to the first reset, and to no other.

    Raises:
      UserError: its action or its observation space is not supported.
    """
    self._environment = environment
    self._seed: int | None = seed
    self._is_open = False
    self._action_spec = _with_noop(environment.action_space)
    observations.check_space(environment.observation_space)
    _check_reward(environment)

  def reset(self) -> dm_env.TimeStep:
    """Starts an episode; its reward and discount are None.

    Raises:
      Invalid: the environment is one of the old Gym, or its observation none of its
        space.
    """
    observation, _ = _returned('reset', self._environment.reset(seed=self._seed))
    self._seed = None
    self._is_open = True
    return dm_env.restart(self.flatten_observation(observation))

  def step(self, action: Any) -> dm_env.TimeStep:
    """Takes an action; starts an episode if the last one is over.

    Raises:
      Invalid: as `reset` does.
    """
    if not self._is_open:
      return self.reset()
    action = from_spec(self._environment.action_space, action)
    values: Any
    try:
      values = self._environment.step(action)
    except (TypeError, ValueError) as error:
      if not _is_of_wrapper(error):
        raise
      raise _not_due('step', _unpacked(error)) from error
    observation, reward, terminated, truncated, _ = _returned('step', values)
    is_terminated = _flag('terminated', terminated)
    self._is_open = not (is_terminated or _flag('truncated', truncated))
    return dm_env.TimeStep(
      step_type=dm_env.StepType.MID if self._is_open else dm_env.StepType.LAST,
      reward=reward,
      discount=np.float32(0.0 if is_terminated else 1.0),
      observation=self.flatten_observation(observation),
    )

  def observation_spec(self) -> specs.Array:
    """One float32 vector [O]."""
    size = spaces.flatdim(self._environment.observation_space)
    return specs.Array((size,), np.float32, 'observation')

  def action_spec(self) -> ActionSpec:
    """A spec, or a tuple or dictionary of such, as the action space is."""
    return self._action_spec

  def reward_spec(self) -> specs.Array:
    """Any number."""
    return specs.Array((), np.float32, 'reward')

  def discount_spec(self) -> specs.BoundedArray:
    """0 or 1."""
    return specs.BoundedArray((), np.float32, 0.0, 1.0, 'discount')

  @property
  def is_drawn(self) -> bool:
    """Whether it draws pictures at all."""
    return self._environment.render_mode == _RENDER_MODE

  def render(self, height: int, width: int) -> np.ndarray:
    """Returns a picture [height, width, 3], uint8, with margins if shapes differ.

    Raises:
      UserError: the environment draws none, or no such ones, or a package is missing.
    """
    name = self._name
    if not self.is_drawn:
      raise UserError(f'no video of {name}: it has nothing to draw')
    gl.use_headless_backend()
    try:
      frame = self._environment.render()
    except gymnasium.error.DependencyNotInstalled as error:
      raise UserError(f'no video of {name}: {" ".join(str(error).split())}') from error
    frame = np.asarray(frame)
    if frame.dtype != np.uint8 or frame.ndim != 3 or frame.shape[-1] != 3:
      raise UserError(
        f'no video of {name}: its render() gave {frame.dtype} {frame.shape}, not uint8 '
        '(height, width, 3)'
      )
    picture = PIL.Image.fromarray(frame)
    return np.asarray(PIL.ImageOps.pad(picture, (width, height)))

  def control_timestep(self) -> float:
    """Seconds from one picture to the next.

    Raises:
      UserError: what the environment calls pictures a second is no such number.
    """
    fps = self._environment.metadata.get('render_fps') or 30
    if not isinstance(fps, (int, float)) or not 0 < fps < math.inf:
      raise UserError(f'no video of {self._name}: its render_fps is {fps!r}')
    return 1.0 / fps

  @property
  def _name(self) -> str:
    """What it is called in errors."""
    return self._environment.spec.id if self._environment.spec else 'environment'

  def close(self) -> None:
    """Closes the environment."""
    self._environment.close()

  def to_own(self, action: Any) -> Any:
    """Returns the action space's form of an action in the form of the spec."""
    return from_spec(self._environment.action_space, action)

  def from_own(self, action: Any) -> Any:
    """Returns the form of the spec for one of the action space."""
    return to_spec_form(self._environment.action_space, action)

  def flatten_observation(self, observation: Any) -> np.ndarray:
    """Returns an observation of Gymnasium's as one float32 vector [O].

    Raises:
      Invalid: it is none of its space.
    """
    space = self._environment.observation_space
    observations.check(space, observation)
    with np.errstate(over='ignore'):  # Seen and refused where all is checked.
      return np.asarray(spaces.flatten(space, observation), np.float32)


def _returned(function: str, values: Any) -> Any:
  """Returns what a function of an environment returned, if these are all it should.

  Raises:
    Invalid: they are not, as with environments of the old Gym.
  """
  if not isinstance(values, tuple) or len(values) != len(_RETURNED[function]):
    is_tuple = isinstance(values, tuple)
    raise _not_due(function, f'{len(values)} values' if is_tuple else shown(values))
  return values


def _not_due(function: str, got: str) -> Invalid:
  """Returns the error of a function that has returned other values than are due."""
  due = _RETURNED[function]
  return Invalid(function, f'returned {got}: {len(due)} are due ({", ".join(due)})')


def _is_of_wrapper(error: Exception) -> bool:
  """Returns whether a wrapper of Gymnasium's could not unpack what `step` returned."""
  where = traceback.extract_tb(error.__traceback__)[-1].filename
  return 'gymnasium/wrappers' in where and 'unpack' in str(error)


def _unpacked(error: Exception) -> str:
  """Returns what was to be unpacked, by the words of Python's error."""
  if isinstance(error, TypeError):  # cannot unpack non-iterable float object
    return f'a {str(error).split()[-2]}'
  counts = re.findall(r'got (\d+)', str(error))  # Not said where there are too many.
  return f'{counts[0]} values' if counts else 'more values'


def _flag(field: str, value: Any) -> bool:
  """Returns whether an episode is over, by what an environment says of it.

  Raises:
    Invalid: it is neither true nor false, nor 0 or 1, nor one of these in an array.
  """
  if type(value) is bool:
    return value
  due = 'true or false'
  number = one_number(field, value, due)
  if number not in (0, 1):
    raise Invalid(field, f'is {shown(value)}: it must be {due}')
  return bool(number)


def _check_reward(environment: gymnasium.Env) -> None:
  """Raises UserError if an environment says that its reward is several numbers."""
  space = getattr(environment.unwrapped, 'reward_space', None)
  shape = getattr(space, 'shape', None) or ()
  if math.prod(shape) != 1:
    raise UserError(
      f'its reward has the shape {shape}, and a reward is one number: wrap the '
      'environment so that it is'
    )


def to_spec(space: spaces.Space, name: str) -> ActionSpec:
  """Returns the dm_env spec of a space.

  Args:
    space: a `Discrete`, `MultiDiscrete`, `MultiBinary` or `Box`, or a `Tuple` or `Dict`
      of such.
    name: of the spec; members of a tuple or dictionary add their own.

  Raises:
    UserError: it is another kind of space.
  """
  match space:
    case spaces.Discrete():
      return _to_index_spec(space, name)
    case spaces.MultiDiscrete():
      last = space.start + space.nvec - 1
      return specs.BoundedArray(space.shape, space.dtype, space.start, last, name)
    case spaces.MultiBinary():
      return specs.BoundedArray(space.shape, space.dtype, 0, 1, name)
    case spaces.Box():
      return specs.BoundedArray(space.shape, space.dtype, space.low, space.high, name)
    case spaces.Tuple():
      return tuple(to_spec(s, f'{name}/{i}') for i, s in enumerate(space.spaces))
    case spaces.Dict():
      return {key: to_spec(s, f'{name}/{key}') for key, s in space.spaces.items()}
  raise UserError(
    f'{name} space {type(space).__name__} is not supported: wrap the environment so '
    'that it is a Discrete, MultiDiscrete, MultiBinary or Box, or a Tuple or Dict of '
    'these'
  )


def _with_noop(space: spaces.Space) -> ActionSpec:
  """Returns the spec of an action space, with its `noop` if that tells one.

  Raises:
    UserError: the space is not supported, or its `noop` is none of its actions.
  """
  spec, noop = to_spec(space, 'action'), getattr(space, 'noop', None)
  if noop is None:
    return spec
  try:
    values = to_spec_form(space, noop)
    return tree.map_structure_up_to(spec, _noop_spec, spec, values)
  except (ValueError, TypeError, KeyError) as error:
    raise UserError(
      f'noop of the action space is none of its actions: {in_one_line(str(error))}'
    ) from error


def _noop_spec(spec: specs.BoundedArray, noop: Any) -> NoopArray:
  """Returns the spec of a leaf with its part of the action that does nothing."""
  if isinstance(spec, ItemArray):
    raise ValueError('items with features have none that does nothing')
  ends = (spec.minimum, spec.maximum)
  return NoopArray(spec.shape, spec.dtype, *ends, noop, spec.name)


def _to_index_spec(space: spaces.Discrete, name: str) -> specs.DiscreteArray:
  """Returns the spec of an index, of items if the space has a table of features."""
  features = getattr(space, 'features', None)
  if features is None:
    return specs.DiscreteArray(int(space.n), np.int64, name)
  try:
    spec = ItemArray(features, name=name)
  except ValueError as error:
    raise UserError(f'{name} space: {error}') from error
  if spec.num_values != space.n:
    raise UserError(
      f'{name} space has {space.n} values and features of {spec.num_values}: give each '
      'value one row'
    )
  return spec


def from_spec(space: spaces.Space, action: Any) -> Any:
  """Returns the space's form of an action that is in the form of its spec."""
  match space:
    case spaces.Discrete():
      return space.start + space.dtype.type(action)
    case spaces.Tuple():
      pairs = zip(space.spaces, action, strict=True)
      return tuple(from_spec(member, value) for member, value in pairs)
    case spaces.Dict():
      return {key: from_spec(s, action[key]) for key, s in space.spaces.items()}
  return np.asarray(action, space.dtype)


def to_spec_form(space: spaces.Space, action: Any) -> Any:
  """Returns the form of its spec for an action of a space; undoes `from_spec`."""
  match space:
    case spaces.Discrete():
      return np.asarray(action) - space.start
    case spaces.Tuple():
      pairs = zip(space.spaces, action, strict=True)
      return tuple(to_spec_form(member, value) for member, value in pairs)
    case spaces.Dict():
      return {key: to_spec_form(s, action[key]) for key, s in space.spaces.items()}
  return np.asarray(action)


def names() -> tuple[str, ...]:
  """Returns the ids that are registered."""
  return tuple(gymnasium.registry)


def knows(name: str) -> bool:
  """Returns whether an id is registered.

  As everywhere in Gymnasium, 'module:id' imports the module first, which registers it.

  Raises:
    UserError: the module cannot be imported.
  """
  module, _, member = name.rpartition(':')
  if module:
    modules.load(module, f'gymnasium:{name}')
  return member in gymnasium.registry


def make(name: str, seed: int) -> dm_env.Environment:
  """Returns the environment of that id, seeded at its first reset.

  Where it has no limit of its own, an episode is cut off after 1,000 steps.

  Raises:
    UserError: a package that it needs is missing, or a space of it is not supported.
  """
  spec = gymnasium.spec(name.rpartition(':')[2])
  try:
    environment = gymnasium.make(
      spec,
      max_episode_steps=spec.max_episode_steps or _MAX_EPISODE_STEPS,
      disable_env_checker=True,
      **_render_mode(spec),
    )
  except (gymnasium.error.Error, ImportError) as error:
    message = ' '.join(str(error).split())
    raise UserError(f'cannot make gymnasium:{name}: {message}') from error
  try:
    return Adapter(environment, seed)
  except UserError as error:
    environment.close()
    raise UserError(f'gymnasium:{name}: {error}') from error


def _render_mode(spec: EnvSpec) -> dict[str, Any]:
  """Returns the argument that lets an environment draw, if it can."""
  creator: Any = spec.entry_point
  if isinstance(creator, str):
    creator = load_env_creator(creator)
  metadata = getattr(creator, 'metadata', None) or {}
  can_draw = _RENDER_MODE in metadata.get('render_modes', ())
  return {'render_mode': _RENDER_MODE} if can_draw else {}
