"""What an environment hands out is checked, and what it is given is a copy.

Every environment that is made by name is inside of this. So nothing gets into replay
that the learner could not learn from, and a run ends where the fault is, not where a
batch happens to hold it. O = the size of an observation.
"""

import warnings
from typing import Any

import dm_env
import numpy as np
import tree

from qmle_acme.errors import EnvironmentCrash, RunFault, UserError, described

_LARGEST = float(np.finfo(np.float32).max)


class EnvironmentFault(RunFault):
  """An environment handed out what none may; one line says which, what and when."""


class Invalid(Exception):
  """A field of a time step cannot be used; `Checked` adds where and when."""

  def __init__(self, field: str, what: str):
    """Takes the field's name, and what is wrong with its value."""
    super().__init__(f'{field} {what}')


class Checked(dm_env.Environment):
  """Refuses rewards, discounts and observations that are not what the specs say.

  Observations are float32 vectors [O] of their own: an environment may hand out the
  same buffer again. Rewards and discounts are float32 numbers. An environment may write
  into the action that it gets, which is a copy.

  What is not of dm_env's interface (`physics`, `control_timestep()`, ...) is that of
  the wrapped environment.
  """

  def __init__(self, environment: dm_env.Environment, name: str):
    """Wraps an environment; the name is for errors."""
    self._environment = environment
    self._name = name
    self._shape = environment.observation_spec().shape
    self._steps = 0
    self._is_over = True  # Then a step begins an episode, as dm_env has it.

  @property
  def unchecked(self) -> dm_env.Environment:
    """The wrapped environment."""
    return self._environment

  def reset(self) -> dm_env.TimeStep:
    """Starts an episode; its reward and discount are None.

    Raises:
      EnvironmentFault: the observation cannot be used.
      EnvironmentCrash: it has raised an error, or called `sys.exit`.
    """
    return self._guard(self._begin)

  def step(self, action: Any) -> dm_env.TimeStep:
    """Takes the action, in the form of the action spec.

    Raises:
      EnvironmentFault: what it hands out cannot be used.
      EnvironmentCrash: it has raised an error, or called `sys.exit`.
    """
    self._steps += 1
    return self._guard(self._environment.step, _copy(action))

  def observation_spec(self) -> Any:
    """The environment's own."""
    return self._environment.observation_spec()

  def action_spec(self) -> Any:
    """The environment's own."""
    return self._environment.action_spec()

  def reward_spec(self) -> Any:
    """The environment's own."""
    return self._environment.reward_spec()

  def discount_spec(self) -> Any:
    """The environment's own."""
    return self._environment.discount_spec()

  def close(self) -> None:
    """Closes the environment; where it raises there is a warning, and nothing lost."""
    try:
      self._environment.close()
    except KeyboardInterrupt:  # Of a person, as far as anyone can tell.
      raise
    except BaseException as error:  # Whatever an environment may raise.
      message = f'{self._name}: close has raised {described(error)}'
      warnings.warn(message, stacklevel=2)

  def __getattr__(self, name: str) -> Any:
    if name.startswith('_'):  # Not there while a copy or a pickle is being made.
      raise AttributeError(name)
    return getattr(self._environment, name)

  def _begin(self) -> dm_env.TimeStep:
    timestep = self._environment.reset()
    if not timestep.first():
      got = f'of reset is {timestep.step_type!r}'
      raise Invalid('step_type', f'{got}: it must be StepType.FIRST')
    self._is_over = True
    return timestep

  def _guard(self, function: Any, *arguments: Any) -> dm_env.TimeStep:
    """Returns the checked time step that the function returns."""
    try:
      return self._check(function(*arguments))
    except Invalid as error:
      raise EnvironmentFault(self._where(str(error))) from error
    except (UserError, RunFault, EnvironmentCrash):  # They say enough.
      raise
    except SystemExit as error:  # Or the process would end as if all were well.
      what = f'left the process by sys.exit({error.code!r})'
      raise EnvironmentCrash(self._where(what)) from error
    except KeyboardInterrupt:  # Of a person, as far as anyone can tell.
      raise
    except BaseException as error:  # Whatever an environment may raise.
      raise EnvironmentCrash(self._where(described(error))) from error

  def _check(self, timestep: dm_env.TimeStep) -> dm_env.TimeStep:
    reward, discount = timestep.reward, timestep.discount
    if timestep.first() and not self._is_over:
      raise Invalid('step_type', 'is StepType.FIRST before the episode has ended')
    self._is_over = timestep.last()
    if not timestep.first():
      reward, discount = _number('reward', reward), _number('discount', discount)
      if not 0.0 <= discount <= 1.0:
        raise Invalid('discount', f'is {discount}: it must be from 0 to 1')
    observation = self._observation(timestep.observation)
    return dm_env.TimeStep(timestep.step_type, reward, discount, observation)

  def _observation(self, value: Any) -> np.ndarray:
    observation = _vector(value)
    if observation.shape != self._shape:
      got = f'has the shape {observation.shape}'
      raise Invalid('observation', f'{got}: it must be {self._shape}')
    is_finite = np.isfinite(observation)
    if not is_finite.all():
      place = int(np.argmin(is_finite))
      got = f'is {np.ravel(value)[place]} at place {place}'
      raise Invalid('observation', f'{got}: it must be finite in float32')
    return observation

  def _where(self, what: str) -> str:
    return f'{self._name}: step {self._steps:,}: {what}'


def _vector(value: Any) -> np.ndarray:
  """Returns an observation as an array of its own, in float32."""
  if type(value) is np.ndarray and value.dtype == np.float32:
    return value.copy()
  try:
    check_numeric('observation', value)
    with np.errstate(over='ignore'):  # It takes as long as all the rest.
      return np.array(value, np.float32)
  except (TypeError, ValueError):
    raise Invalid('observation', f'is {shown(value)}: no numbers') from None


def check_numeric(field: str, value: Any) -> None:
  """Refuses what numpy would make other numbers of: text, complex, masked values.

  Raises:
    Invalid: it is such.
  """
  if type(value) is np.ndarray and value.dtype.kind in 'fiub':
    return
  if value is None or np.ma.is_masked(value):  # Of either numpy makes a number.
    raise Invalid(field, f'is {shown(value)}: no number is there')
  if np.asarray(value).dtype.kind in 'cSUMm':
    raise Invalid(field, f'is {shown(value)}: it must be real numbers')


def one_number(field: str, value: Any, due: str) -> Any:
  """Returns the number that a value is, or that an array of one number holds.

  Args:
    field: of the time step.
    value: of it.
    due: what it must be, for the error.

  Raises:
    Invalid: it is no number.
  """
  array, is_masked = np.asarray(value), np.ma.is_masked(value)
  if array.size != 1 or array.dtype.kind not in 'fiub' or is_masked:
    raise Invalid(field, f'is {shown(value)}: it must be {due}')
  return array.item()


def _number(field: str, value: Any) -> np.float32:
  """Returns the one number that a value is, or that an array of one number holds."""
  if type(value) not in (float, int):  # Whose numbers may be too large for numpy.
    value = one_number(field, value, 'one number')
  if not abs(value) <= _LARGEST:  # Nor is NaN.
    raise Invalid(field, f'is {shown(value)}: it must be finite in float32')
  return np.float32(value)


def _copy(action: Any) -> Any:
  """Returns an action, an array or a nest of such, that shares nothing with it."""
  if isinstance(action, np.ndarray):
    return action.copy()
  return tree.map_structure(np.copy, action) if tree.is_nested(action) else action


def shown(value: Any) -> str:
  """Returns a value in one line of some length at most."""
  line = ' '.join(repr(value).split())
  return line if len(line) <= 60 else f'{line[:60]}...'
