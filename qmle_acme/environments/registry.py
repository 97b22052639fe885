"""Environments by name: '<family>:<name within the family>'.

A family is a module with two functions: `names()`, the names within the family, and
`make(name, seed)`, the environment of one of them. It is imported when it is used, so
that naming a bandit does not cost the import of a simulator.
"""

import importlib
from types import ModuleType

import dm_env

from qmle_acme.errors import unknown

_FAMILIES = {
  'bandit': 'qmle_acme.environments.bandit',
  'control': 'qmle_acme.environments.control',
}


def make(name: str, seed: int) -> dm_env.Environment:
  """Returns a new environment, for example of 'control:walker:walk'.

  Args:
    name: one of `names()`.
    seed: what the environment draws is a function of it; 0 to 2^32 - 1.

  Raises:
    UserError: there is no such environment.
  """
  family, _, member = name.partition(':')
  if family not in _FAMILIES or member not in _load(family).names():
    raise unknown('environment', name, names())
  return _load(family).make(member, seed)


def names() -> tuple[str, ...]:
  """Returns every name that `make` takes, sorted; imports every family."""
  return tuple(
    sorted(f'{family}:{name}' for family in _FAMILIES for name in _load(family).names())
  )


def _load(family: str) -> ModuleType:
  return importlib.import_module(_FAMILIES[family])
