"""Environments of a user's own: 'python:<module>:<function>'.

The function takes a seed and returns a `dm_env.Environment` or a `gymnasium.Env`. All
nodes of a run import it by that name, and so does whatever reads the run later.

Shapes: O = the size of an observation.
"""

import contextlib
import importlib.util
import inspect
import pathlib
import sys
from collections.abc import Callable
from typing import Any

import dm_env
import gymnasium as gymnasium_lib
import numpy as np
import tree
from dm_env import specs

from qmle_acme.environments import modules
from qmle_acme.environments.checked import Invalid, shown
from qmle_acme.environments.gymnasium import Adapter
from qmle_acme.errors import UserError

_NOTHING = inspect.Signature.empty
_FORM = 'python:<module>:<function>'
_A_FUNCTION = 'it must be a function that takes a seed and returns an environment'
# From a seed to an environment.
MakeEnvironment = Callable[[int], Any]


class Flat(dm_env.Environment):
  """Makes the observations of a dm_env environment one float32 vector [O].

  Arrays of a nest lie one after the other, those of a dictionary by sorted key. What is
  not of dm_env's interface is that of the wrapped environment.
  """

  def __init__(self, environment: dm_env.Environment):
    """Wraps an environment.

    Raises:
      UserError: there is nothing to observe in it.
    """
    self._environment = environment
    if not self.observation_spec().shape[0]:
      raise UserError(
        'its observation spec is empty: use one that has something to see'
      )

  def reset(self) -> dm_env.TimeStep:
    """Starts an episode."""
    return self._convert(self._environment.reset())

  def step(self, action: Any) -> dm_env.TimeStep:
    """Takes an action in the form of the environment's own spec."""
    return self._convert(self._environment.step(action))

  def observation_spec(self) -> specs.Array:
    """One float32 vector [O]."""
    leaves = tree.flatten(self._environment.observation_spec())
    size = sum(int(np.prod(leaf.shape)) for leaf in leaves)
    return specs.Array((size,), np.float32, 'observation')

  def action_spec(self) -> Any:
    """The environment's own."""
    return self._environment.action_spec()

  def reward_spec(self) -> specs.Array:
    """The environment's own."""
    return self._environment.reward_spec()

  def discount_spec(self) -> specs.BoundedArray:
    """The environment's own."""
    return self._environment.discount_spec()

  def close(self) -> None:
    """Closes the environment."""
    self._environment.close()

  def flatten_observation(self, observation: Any) -> np.ndarray:
    """Returns an observation in its own form as one vector [O]."""
    leaves = [np.ravel(leaf) for leaf in tree.flatten(observation)]
    return np.concatenate(leaves).astype(np.float32)

  def __getattr__(self, name: str) -> Any:
    if name.startswith('_'):  # Not there while a copy or a pickle is being made.
      raise AttributeError(name)
    return getattr(self._environment, name)

  def _convert(self, timestep: Any) -> dm_env.TimeStep:
    if not isinstance(timestep, dm_env.TimeStep):
      raise Invalid('the time step', f'is {shown(timestep)}: a dm_env.TimeStep is due')
    return timestep._replace(observation=self.flatten_observation(timestep.observation))


def names() -> tuple[str, ...]:
  """Returns the form of the names; there is no end of them."""
  return ('<module>:<function>',)


def knows(name: str) -> bool:
  """Returns whether there is such a function; imports the module.

  Raises:
    UserError: the name has another form, the module cannot be imported, or what it has
      by that name is no function.
  """
  _find(name)
  return True


def make(name: str, seed: int) -> dm_env.Environment:
  """Returns what the function makes of the seed, behind dm_env's interface.

  Raises:
    UserError: it takes no seed, that is no environment, or one whose spaces are not
      supported.
  """
  function = _find(name)
  with contextlib.suppress(
    ValueError
  ):  # Some functions in C tell nothing of themselves.
    signature = inspect.signature(function).replace(return_annotation=_NOTHING)
    try:
      signature.bind(seed)
    except TypeError:
      raise UserError(
        f'python:{name} takes {signature}: it must take one argument, a seed'
      ) from None
  return adapt(function(seed), seed, f'python:{name}')


def adapt(environment: Any, seed: int, name: str) -> dm_env.Environment:
  """Returns an environment behind dm_env's interface, its observations one vector.

  Args:
    environment: of Gymnasium's or dm_env's.
    seed: for the first reset of one of Gymnasium's.
    name: for errors.

  Raises:
    UserError: it is no environment, or one whose spaces are not supported.
  """
  try:
    if isinstance(environment, gymnasium_lib.Env):
      return Adapter(environment, seed)
    if isinstance(environment, dm_env.Environment):
      return Flat(environment)
  except UserError as error:
    environment.close()
    raise UserError(f'{name}: {error}') from error
  raise UserError(
    f'{name} returned a {type(environment).__name__}: it must return a '
    'dm_env.Environment or a gymnasium.Env'
  )


def name_of(function: MakeEnvironment) -> str:
  """Returns the name, 'python:<module>:<function>', by which nodes find a function.

  One of the script that runs is found by the name of its file.

  Raises:
    UserError: other processes cannot import it, or it is being imported just now.
  """
  if isinstance(function, type):
    raise UserError(f'make_environment is the class {function.__name__}: {_A_FUNCTION}')
  module = getattr(function, '__module__', None)
  member = getattr(function, '__qualname__', None)
  if not module or not member or not str(member).isidentifier():
    raise UserError(
      f'nodes cannot import {member or function!r}: make_environment must be a '
      'function at the top level of a module'
    )
  _check_is_imported(module)
  if module == '__main__':
    module = _module_of_script(member)
  _find(f'{module}:{member}')
  return f'python:{module}:{member}'


def _check_is_imported(module: str) -> None:
  """Refuses a module that is being imported: a call in there would never end."""
  spec = getattr(sys.modules.get(module), '__spec__', None)
  if getattr(spec, '_initializing', False):
    raise UserError(
      f'{module} trains while it is being imported, as every node does it: put the '
      "call under if __name__ == '__main__':"
    )


def _module_of_script(member: str) -> str:
  """Returns the name by which the script that runs can be imported."""
  file = getattr(sys.modules['__main__'], '__file__', None)
  name = pathlib.Path(file).stem if file else ''
  spec = importlib.util.find_spec(name) if name.isidentifier() else None
  if file is None or spec is None or spec.origin is None:
    raise UserError(
      f'nodes cannot import {member}, which is defined in a notebook or a prompt: put '
      'it in a file of its own, and import it from there'
    )
  if not pathlib.Path(spec.origin).samefile(file):
    raise UserError(
      f'nodes cannot import {member}: by the name {name} they would find '
      f'{spec.origin}; give the script another name'
    )
  return name


def _find(name: str) -> MakeEnvironment:
  """Returns the function of that name, '<module>:<function>'.

  Raises:
    UserError: there is none.
  """
  modules.check_is_no_path(name)
  module, _, member = name.partition(':')
  if not all(part.isidentifier() for part in [*module.split('.'), member]):
    raise UserError(f'python:{name} is not of the form {_FORM}')
  # A run folder of somebody else may name any function: os._exit takes a number too.
  if module.split('.')[0] in sys.stdlib_module_names:
    raise UserError(f'python:{name}: {module} is a module of Python itself')
  found = getattr(modules.load(module, f'python:{name}'), member, None)
  if not callable(found):
    raise UserError(f'python:{name}: {module} has no function {member}')
  if isinstance(found, type):  # It would get the seed as whatever comes first.
    raise UserError(f'python:{name} is a class: {_A_FUNCTION}')
  return found
