"""Errors that a person can act on: one line that says what, where, and what to do."""

import difflib
import importlib.util
import math
import numbers
import os
import traceback
from collections.abc import Iterable


class UserError(Exception):
  """Bad input. The command line prints the message as one line and exits with 2."""


class RunFault(Exception):
  """What ends a run in one line, and would end it again: no restart is tried."""


class EnvironmentCrash(Exception):
  """An environment has raised an error of its own; one line says which, and when.

  Another time it may go well: its node is started again.
  """


def described(error: BaseException) -> str:
  """Returns the kind and the message of an exception of somebody else's, in a line."""
  return ' '.join(f'{type(error).__name__}: {message_of(error)}'.split()).rstrip(': ')


def cause_of(error: BaseException) -> str:
  """Returns why a part of a run has failed, the first line; what we refuse says it all.

  Of any other exception the kind stands before the message.
  """
  message = (message_of(error).splitlines() or [''])[0]
  if isinstance(error, UserError | RunFault):
    return message
  return f'{type(error).__name__}: {message}'.rstrip(': ')


def place_of(error: BaseException) -> str:
  """Returns 'file:line' of where an exception was raised."""
  where = traceback.extract_tb(error.__traceback__)[-1]
  return f'{where.filename}:{where.lineno}'


def message_of(error: BaseException) -> str:
  """Returns the message of an exception, nothing if that raises one itself."""
  try:
    return str(error)
  except Exception:
    return ''


def in_one_line(text: str) -> str:
  """Returns a text without what would break a line, or move in a terminal."""
  return ''.join(c if c.isprintable() else repr(c)[1:-1] for c in text)


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


def unreadable(source: object, error: Exception) -> UserError:
  """Returns the error for what is there and cannot be read, in one line.

  Args:
    source: the file, or what in it.
    error: that a library has raised.
  """
  return UserError(f'cannot read {source}: {" ".join(str(error).split())}')


def check_installed(module: str, extra: str, what: str) -> None:
  """Checks that a module of an optional extra is there, without importing it.

  Args:
    module: top-level name, for example 'optuna'.
    extra: of this package that installs it.
    what: needs it, as a person knows it.

  Raises:
    UserError: it is not installed.
  """
  if importlib.util.find_spec(module) is None:
    raise UserError(
      f"{what} needs {module}, which is not installed: pip install 'qmle_acme[{extra}]'"
    )


def out_of_range(name: str, value: object, requirement: str) -> UserError:
  """Returns the error for a setting whose value cannot be used.

  Args:
    name: of the setting, as a person writes it, for example 'qmle.discount'.
    value: that was given.
    requirement: what it must be, for example 'at least 1'.
  """
  return UserError(f'{name} is {value}: it must be {requirement}')


def check_range(name: str, value: float, low: float, high: float | None = None) -> None:
  """Checks that the value of a setting lies where it can be used.

  Args:
    name: of the setting, as a person writes it.
    value: that was given.
    low: the least that can be used.
    high: the most, if there is one.

  Raises:
    UserError: it lies elsewhere.
  """
  if not low <= value <= (math.inf if high is None else high):
    requirement = f'at least {low}' if high is None else f'from {low} to {high}'
    raise out_of_range(name, value, requirement)


def check_whole(name: str, value: object) -> None:
  """Checks that the value of a setting is a whole number, of Python's or of numpy's.

  Raises:
    UserError: it is not.
  """
  if isinstance(value, bool) or not isinstance(value, numbers.Integral):
    raise out_of_range(name, repr(value), 'a whole number')


def check_number(name: str, value: object) -> None:
  """Checks that the value of a setting is a finite number.

  Raises:
    UserError: it is not.
  """
  if not isinstance(value, numbers.Real) or not math.isfinite(value):
    raise out_of_range(name, repr(value), 'a finite number')


def check_path(name: str, value: object) -> None:
  """Checks that an argument is a path, as text or of pathlib.

  Raises:
    UserError: it is not.
  """
  if not isinstance(value, str | os.PathLike) or not os.fspath(value):
    raise out_of_range(name, repr(value), 'a path')


def check_positive(name: str, value: float) -> None:
  """Checks that the value of a setting is a positive, finite number.

  Raises:
    UserError: it is not.
  """
  if not 0.0 < value < math.inf:
    raise out_of_range(name, value, 'positive, finite')


def check_seed(seed: int) -> None:
  """Checks that numpy, TensorFlow and the environments all take a seed.

  Raises:
    UserError: one of them does not.
  """
  check_range('seed', seed, 0, 2**31 - 1)
