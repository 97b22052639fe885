"""Settings: dataclasses whose fields say what they may hold, and who checks that.

The range stands beside the field, as in `Annotated[int, Field(ge=1)]`; pydantic checks
it, and the tests of bad configurations are generated from it.
"""

import dataclasses
import functools
import json
import typing
from typing import Annotated, Any, TypeAlias

import pydantic
import typing_extensions
from pydantic import Field
from pydantic_core import ErrorDetails

from qmle_acme.errors import UserError, out_of_range

# int32, in which TensorFlow counts; numpy and all environments take such a seed.
_LARGEST = 2**31 - 1
Count: TypeAlias = Annotated[int, Field(ge=1, le=_LARGEST)]
Seed: TypeAlias = Annotated[int, Field(ge=0, le=_LARGEST)]
Share: TypeAlias = Annotated[float, Field(ge=0.0, le=1.0, allow_inf_nan=False)]
# Within float32, with room for products of two.
Positive: TypeAlias = Annotated[float, Field(gt=0.0, le=1e15, allow_inf_nan=False)]
Number: TypeAlias = Annotated[float, Field(ge=-1e15, le=1e15, allow_inf_nan=False)]

# By pydantic's name of what is wrong with a value that has the right type.
_REQUIREMENTS = {
  'greater_than': 'more than {gt:,.15g}',
  'greater_than_equal': 'at least {ge:,.15g}',
  'less_than': 'less than {lt:,.15g}',
  'less_than_equal': 'at most {le:,.15g}',
  'multiple_of': 'a multiple of {multiple_of:,.15g}',
  'finite_number': 'finite',
  'too_short': 'at least {min_length} long',
  'too_long': 'at most {max_length} long',
}
_LONGEST_VALUE = 80


def check(config: Any, prefix: str = '') -> None:
  """Checks each field of a dataclass against its type and range.

  Args:
    config: the dataclass; those in it were checked when they were made.
    prefix: of the names in the message, for example 'qmle.'.

  Raises:
    UserError: a value is of another type or out of range; the message names it.
  """
  try:
    kind: Any = type(config)
    _fields(kind).validate_python(vars(config), strict=True)
  except pydantic.ValidationError as error:
    raise refusal(error.errors()[0], prefix) from None


def check_field(kind: Any, name: str, value: Any, prefix: str = '') -> None:
  """Checks a value that a file gives against the type and range of one field.

  Args:
    kind: the dataclass.
    name: of its field.
    value: as YAML or JSON give it.
    prefix: of the name in the message.

  Raises:
    UserError: it is of another type or out of range; the message names the field.
  """
  record = typing_extensions.TypedDict('Field', {name: fields_of(kind)[name]})  # type: ignore[misc]
  text = json.dumps({name: value}, default=str)
  try:
    pydantic.TypeAdapter(record).validate_json(text, strict=True)
  except pydantic.ValidationError as error:
    raise refusal(error.errors()[0], prefix) from None


def refusal(error: ErrorDetails, prefix: str = '') -> UserError:
  """Returns one line for what pydantic has found.

  Args:
    error: the first of its findings.
    prefix: of the name in the message.
  """
  where = prefix + '.'.join(str(part) for part in error['loc'])
  given = repr(error['input'])
  if len(given) > _LONGEST_VALUE:
    given = f'{given[:_LONGEST_VALUE]}...'
  if error['type'] in _REQUIREMENTS:
    requirement = _REQUIREMENTS[error['type']].format(**error.get('ctx', {}))
    return out_of_range(where, given, requirement)
  message = error['msg'][:1].lower() + error['msg'][1:]
  return UserError(f'{where}: {message} (given: {given})')


def fields_of(kind: Any) -> dict[str, Any]:
  """Returns the types of a dataclass's fields by name, each with its range."""
  hints = typing.get_type_hints(kind, include_extras=True)
  return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


@functools.cache
def _fields(kind: Any) -> pydantic.TypeAdapter[Any]:
  """Returns the check of all fields of a dataclass at once."""
  record = typing_extensions.TypedDict('Fields', fields_of(kind))  # type: ignore[misc]
  return pydantic.TypeAdapter(record)
