"""Names of environments that change another one: '<family>:<number>:<its name>'."""

import re

from qmle_acme.errors import UserError

_NAME = re.compile(r'(?P<number>\d+):(?P<other>.+)')
_MAX_NUMBER = 1_000


def knows(name: str) -> bool:
  """Returns whether a name within the family has that form; the other may not exist."""
  return _NAME.fullmatch(name) is not None


def parse(family: str, name: str) -> tuple[int, str]:
  """Returns the number and the name of the other environment.

  Args:
    family: for the error.
    name: within the family, one that it knows.

  Raises:
    UserError: the number is out of range.
  """
  match = _NAME.fullmatch(name)
  assert match is not None
  number = int(match['number'])
  if not 2 <= number <= _MAX_NUMBER:
    raise UserError(f'{family}:{name}: {number} must be from 2 to {_MAX_NUMBER:,}')
  return number, match['other']
