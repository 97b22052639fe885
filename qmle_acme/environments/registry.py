"""Environments by name: '<family>:<name within the family>'.

A family is a module with three functions: `knows(name)`, whether it has an environment
of that name; `make(name, seed)`, that environment; and `names()`, all of its names, or
examples where there is no end of them. It is imported when it is used, so that naming a
bandit does not cost the import of a simulator.

Another package adds a family by an entry point of the group 'qmle_acme.environments':
its name is the family, its value the module (docs/python.md).
"""

import functools
import importlib
import warnings
from collections.abc import Mapping
from types import ModuleType

from qmle_acme import plugins, processes
from qmle_acme.environments import modules
from qmle_acme.environments.checked import Checked
from qmle_acme.errors import UserError, described, place_of, unknown

# A machine without a display is no error here.
warnings.filterwarnings('ignore', module='glfw')

_GROUP = 'qmle_acme.environments'
_OURS = {
  'bandit': 'qmle_acme.environments.bandit',
  'control': 'qmle_acme.environments.control',
  'grid': 'qmle_acme.environments.grid',
  'grid2op': 'qmle_acme.environments.power_grid',
  'gymnasium': 'qmle_acme.environments.gymnasium',
  'hybrid': 'qmle_acme.environments.hybrid',
  'python': 'qmle_acme.environments.own',
  'q3c': 'qmle_acme.environments.q3c',
  'recommender': 'qmle_acme.environments.recommender',
  'relaxed': 'qmle_acme.environments.relaxed',
  'repeat': 'qmle_acme.environments.repeat',
  'restricted': 'qmle_acme.environments.restricted',
  'scale': 'qmle_acme.environments.scale',
  'switches': 'qmle_acme.environments.switches',
  'synthetic': 'qmle_acme.environments.synthetic',
}


def make(name: str, seed: int) -> Checked:
  """Returns a new environment, for example of 'control:walker:walk', and checks it.

  Args:
    name: '<family>:<name within the family>'.
    seed: what the environment draws is a function of it; 0 to 2^32 - 1.

  Raises:
    UserError: there is no such environment, or it cannot be made here.
  """
  check(name)
  family, _, member = name.partition(':')
  try:
    with processes.kept_handlers():  # Simulators set their own.
      return Checked(_load(family).make(member, seed), name)
  except UserError:
    raise
  except (Exception, SystemExit) as error:  # Whatever an environment may raise.
    message = described(error)
    if isinstance(error, TypeError) and 'missing' in message:
      message += (
        '; it is made without arguments: give them in a function of yours, '
        'python:<module>:<function>'
      )
    raise UserError(f'cannot make {name}: {message} ({place_of(error)})') from error


def check(name: str) -> None:
  """Checks a name, without making the environment.

  Raises:
    UserError: there is no such environment; the message names the nearest.
  """
  family, _, member = name.partition(':')
  if family not in _families():
    modules.check_is_no_path(name)
    raise unknown('environment', name, names())
  if not _load(family).knows(member):
    raise unknown('environment', name, _names(family))


def names() -> tuple[str, ...]:
  """Returns the names that the families give, sorted; imports every family."""
  return tuple(sorted(name for family in _families() for name in _names(family)))


def _names(family: str) -> list[str]:
  return [f'{family}:{name}' for name in _load(family).names()]


def _load(family: str) -> ModuleType:
  module = _families()[family]
  try:
    return importlib.import_module(module)
  except ImportError as error:
    if family in _OURS:
      raise
    raise UserError(
      f'the environments {family}:* of another package: cannot import {module}: {error}'
    ) from error


@functools.cache
def _families() -> Mapping[str, str]:
  """Returns the modules of all families; ours win over others of the same name."""
  found = plugins.entry_points(_GROUP)
  return {entry.name: entry.value for entry in found} | _OURS
