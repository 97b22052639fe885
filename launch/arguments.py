"""Command lines from dataclasses, with one line for what is unknown."""

import dataclasses
from collections.abc import Iterator
from typing import Any, TypeVar

import tyro

from qmle_acme.errors import UserError, unknown

T = TypeVar('T')


def parse(kind: type[T], arguments: list[str], command: str, default: Any = None) -> T:
  """Returns the dataclass that the arguments describe.

  Args:
    kind: the dataclass.
    arguments: of the command line.
    command: for the help text, for example 'qmle train'.
    default: an instance whose values are the defaults.

  Raises:
    UserError: there is no such option.
  """
  values = {} if default is None else {'default': default}
  parsed, rest = tyro.cli(
    kind, prog=command, args=arguments, return_unknown_args=True, **values
  )
  if rest:
    options = [word.split('=')[0] for word in rest if word.startswith('--')]
    if not options:
      raise UserError(f'{command} takes no argument {rest[0]!r}; see {command} --help')
    raise unknown('option', options[0], _options(default or kind))
  return parsed


def _options(config: Any, prefix: str = '--') -> Iterator[str]:
  """Yields the options that set the fields of a dataclass."""
  for field in dataclasses.fields(config):
    value = getattr(config, field.name, None)
    name = f'{prefix}{field.name.replace("_", "-")}'
    if dataclasses.is_dataclass(value):
      yield from _options(value, f'{name}.')
    else:
      yield name
