"""Names of environments that change another one: '<family>:<number>:<its name>'."""

import re

from qmle_acme.errors import UserError

_WHOLE = re.compile(r'(?P<number>\d+):(?P<other>.+)')
_NUMBER = re.compile(r'(?P<number>\d+(\.\d*)?([eE][-+]?\d+)?):(?P<other>.+)')
_MAX_WHOLE = 1_000


def knows(name: str) -> bool:
  """Returns whether a name within the family has that form; the other may not exist."""
  return _WHOLE.fullmatch(name) is not None


def knows_number(name: str) -> bool:
  """Returns the same where the number need not be whole."""
  return _NUMBER.fullmatch(name) is not None


def parse(family: str, name: str) -> tuple[int, str]:
  """Returns the number and the name of the other environment.

  Args:
    family: for the error.
    name: within the family, one that it knows.

  Raises:
    UserError: the number is out of range.
  """
  match = _WHOLE.fullmatch(name)
  assert match is not None
  number = int(match['number'])
  if not 2 <= number <= _MAX_WHOLE:
    raise UserError(f'{family}:{name}: {number} must be from 2 to {_MAX_WHOLE:,}')
  return number, match['other']


def parse_number(
  family: str, name: str, least: float, most: float
) -> tuple[float, str]:
  """Returns the same where the number need not be whole.

  Args:
    family: for the error.
    name: within the family, one that it knows.
    least: number that is allowed.
    most: number that is allowed.

  Raises:
    UserError: the number is out of range.
  """
  match = _NUMBER.fullmatch(name)
  assert match is not None
  number = float(match['number'])
  if not least <= number <= most:
    raise UserError(f'{family}:{name}: {number:g} must be from {least:g} to {most:g}')
  return number, match['other']
