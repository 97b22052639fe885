"""Command lines from dataclasses, with one line for whatever is wrong with them."""

import contextlib
import dataclasses
import pathlib
import typing
from collections.abc import Collection, Iterable, Iterator
from typing import Any, NoReturn, TypeVar

import tyro
from tyro import _errors as tyro_errors  # Private: tyro has no other hook for errors.

from qmle_acme.agents.qmle.predictors import MemberConfig, PredictorConfig, families
from qmle_acme.errors import UserError, unknown

from . import help as help_lib

T = TypeVar('T')

_FORMS = tyro.constructors.ConstructorRegistry()


def parse(
  kind: type[T],
  arguments: list[str],
  command: str,
  default: Any = None,
  description: str | None = None,
) -> T:
  """Returns the dataclass that the arguments describe.

  Args:
    kind: the dataclass.
    arguments: of the command line.
    command: for the help text, for example 'qmle train'.
    default: an instance whose values are the defaults.
    description: for the help text; by default that of the dataclass.

  Raises:
    UserError: an option is not known, lacks a value, or has a wrong one.
  """
  values = {} if default is None else {'default': default}
  _check_options(arguments, tuple(_options(default or kind)))
  with tyro_errors.on_parse_error(_refuse):
    parsed, rest = tyro.cli(
      kind,
      prog=command,
      args=arguments,
      return_unknown_args=True,
      description=description,
      registry=_FORMS,
      **values,
    )
  if rest:
    raise UserError(f'{command} takes no argument {rest[0]!r}; see {command} --help')
  return parsed


def _check_options(arguments: Iterable[str], known: Collection[str]) -> None:
  """Checks options before tyro takes the value of a mistyped one for another's.

  Raises:
    UserError: an option is not known; the message names the nearest.
  """
  accepted = {
    *known,
    *(_negated(option) for option in known),
    *help_lib.SHORT,
    help_lib.ALL,
  }
  for word in arguments:
    option = word.split('=')[0].replace('_', '-')
    if option.startswith('--') and option not in accepted:
      raise unknown('option', word.split('=')[0], known)


def _negated(option: str) -> str:
  """Returns how an option is switched off: --qmle.no-use-cache for that cache."""
  path, dot, name = option.rpartition('.')
  return f'{path}{dot}no-{name}' if dot else f'--no-{name.removeprefix("--")}'


@_FORMS.primitive_rule
def _paths(
  info: tyro.constructors.PrimitiveTypeInfo,
) -> tyro.constructors.PrimitiveConstructorSpec | None:
  """Refuses an empty path, as of a variable that is not set: it is no folder."""
  if info.type is not pathlib.Path:
    return None
  return tyro.constructors.PrimitiveConstructorSpec(
    nargs=1,
    metavar='PATH',
    instance_from_str=lambda words: _path(words[0]),
    is_instance=lambda value: isinstance(value, pathlib.Path),
    str_from_instance=lambda value: [str(value)],
  )


def _path(word: str) -> pathlib.Path:
  if not word:
    raise ValueError('is empty')
  return pathlib.Path(word)


@_FORMS.primitive_rule
def _predictors(
  info: tyro.constructors.PrimitiveTypeInfo,
) -> tyro.constructors.PrimitiveConstructorSpec | None:
  """Has predictors written as words such as delta=0.01, any number of them."""
  if typing.get_args(info.type) != (PredictorConfig, ...):
    return None
  return tyro.constructors.PrimitiveConstructorSpec(
    nargs='*',
    metavar='FAMILY=RATIO',
    instance_from_str=lambda words: tuple(_predictor(word) for word in words),
    is_instance=lambda value: isinstance(value, tuple),
    str_from_instance=lambda members: [f'{m.family}={m.ratio}' for m in members],
  )


@_FORMS.primitive_rule
def _whole_numbers(
  info: tyro.constructors.PrimitiveTypeInfo,
) -> tyro.constructors.PrimitiveConstructorSpec | None:
  """Has whole numbers written as 1000000, 1_000_000 or 1e6."""
  if info.type is not int:
    return None
  return tyro.constructors.PrimitiveConstructorSpec(
    nargs=1,
    metavar='INT',
    instance_from_str=lambda words: _whole_number(words[0]),
    is_instance=lambda value: isinstance(value, int),
    str_from_instance=lambda value: [str(value)],
  )


def _whole_number(word: str) -> int:
  with contextlib.suppress(ValueError):
    return int(word)
  with contextlib.suppress(ValueError):
    if (number := float(word)).is_integer():
      return int(number)
  raise ValueError(f'{word!r} is no whole number')


def _predictor(word: str) -> MemberConfig:
  family, _, ratio = word.partition('=')
  try:
    share = float(ratio)
  except ValueError:
    raise ValueError(f'{word!r} is not of the form delta=0.01') from None
  if family not in families():
    raise unknown('predictor family', family, families())
  return families()[family](share)


def _refuse(event: tyro_errors.ParseErrorEvent) -> NoReturn:
  """Raises what tyro would have printed in a box of many lines."""
  hint = f'see {event.prog} --help'
  if isinstance(event, tyro_errors.MissingArgs):
    missing = [_form(argument.arg) for argument in event.missing_arguments]
    raise UserError(f'{event.prog} needs {", ".join(missing)}; {hint}')
  if isinstance(event, tyro_errors.InvalidChoice):
    option = event.argument.display_name()
    raise unknown(f'value of {option}', event.value, event.choices)
  if isinstance(event, tyro_errors.BadValue):
    raise UserError(f'{_form(event.argument)} lacks its value; {hint}')
  if isinstance(event, tyro_errors.InstantiationFailure) and event.argument:
    message = ' '.join(event.message.split())
    raise UserError(f'{_form(event.argument)}: {message}; {hint}')
  raise UserError(f'{event.prog} cannot use these options ({event}); {hint}')


def _form(argument: Any) -> str:
  """Returns how an argument is written, for example '--steps INT' or RUN."""
  name, metavar = argument.display_name(), argument.lowered.metavar
  return name.upper() if argument.is_positional() else f'{name} {metavar}'


def _options(config: Any, prefix: str = '--') -> Iterator[str]:
  """Yields the options that set the fields of a dataclass."""
  for field in dataclasses.fields(config):
    value = getattr(config, field.name, None)
    name = f'{prefix}{field.name.replace("_", "-")}'
    if dataclasses.is_dataclass(value):
      yield from _options(value, f'{name}.')
    else:
      yield name
