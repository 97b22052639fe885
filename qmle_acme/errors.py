"""Errors that a person can act on: one line that says what, where, and what to do."""

import difflib
from collections.abc import Iterable


class UserError(Exception):
  """Bad input. The command line prints the message as one line and exits with 2."""


def unknown(kind: str, name: str, known: Iterable[str]) -> UserError:
  """Returns the error for a name that is not known, with the nearest known names.

  Args:
    kind: what was named, for example 'environment'.
    name: the name that was given.
    known: all the names that would have been accepted.
  """
  names = sorted(known)
  nearest = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or names[:3]
  return UserError(f'unknown {kind} {name!r}; nearest: {", ".join(nearest)}')


def out_of_range(name: str, value: object, requirement: str) -> UserError:
  """Returns the error for a setting whose value cannot be used.

  Args:
    name: of the setting, as a person writes it, for example 'qmle.discount'.
    value: that was given.
    requirement: what it must be, for example 'at least 1'.
  """
  return UserError(f'{name} is {value}: it must be {requirement}')
