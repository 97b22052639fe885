"""What the help of a command shows: some settings of many, without a parser of its own.

tyro prints what it would parse. So the dataclass is given to it once more, with the
options that are not to be seen marked as suppressed.
"""

import dataclasses
import typing
from collections.abc import Collection
from typing import Annotated, Any

import tyro

SHORT = ('-h', '--help')
ALL = '--help-all'


def is_asked_for(arguments: Collection[str]) -> bool:
  """Returns whether the arguments of a command ask for its help, in short or in all."""
  return not {*SHORT, ALL}.isdisjoint(arguments)


def reduced(config: Any, shown: Collection[str]) -> Any:
  """Returns a copy of a dataclass whose type has some of its options suppressed.

  Args:
    config: an instance, whose values are the defaults.
    shown: names of the fields that stay; 'qmle.n_step' is of one in a field.
  """
  kind = type(config)
  hints = typing.get_type_hints(kind, include_extras=True)
  values, fields = dict(vars(config)), []
  for field in dataclasses.fields(kind):
    hint = hints[field.name]
    prefix = f'{field.name}.'
    inner = [name.removeprefix(prefix) for name in shown if name.startswith(prefix)]
    if inner:
      values[field.name] = reduced(values[field.name], inner)
      hint = type(values[field.name])
    elif field.name not in shown:
      hint = Annotated[hint, tyro.conf.Suppress]
    fields.append((field.name, hint))
  # Docstrings are found in the class that it derives from.
  made = dataclasses.make_dataclass(
    kind.__name__, fields, bases=(kind,), frozen=True, kw_only=True
  )
  # The values are not checked again: one may be missing.
  copy: Any = object.__new__(made)
  vars(copy).update(values)
  return copy
