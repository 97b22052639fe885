"""Names of environments that change another one: '<family>:<number>:<its name>'."""

import re

from qmle_acme.errors import UserError

# A number in digits of ASCII, in all forms that Python writes one in.
NUMBER = r'[-+]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]+)?'
_NAME = re.compile(f'(?P<number>{NUMBER}):(?P<other>.+)')
_MAX_WHOLE = 1_000


def knows(name: str) -> bool:
  """Returns whether a name within the family has that form; the other may not exist."""
  return _NAME.fullmatch(name) is not None


def parse(family: str, name: str) -> tuple[int, str]:
  """Returns the number and the name of the other environment.

  Args:
    family: for the error.
    name: within the family, one that it knows.

  Raises:
    UserError: the number is out of range, or not whole.
  """
  number, other = parse_number(family, name, 2, _MAX_WHOLE)
  if not number.is_integer():
    raise UserError(f'{family}:{name}: {number:g} must be whole')
  return int(number), other


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
  match = _NAME.fullmatch(name)
  assert match is not None
  number = float(match['number'])
  if not least <= number <= most:
    raise UserError(f'{family}:{name}: {number:g} must be from {least:g} to {most:,g}')
  return number, match['other']
