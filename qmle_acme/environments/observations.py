"""Which observations of Gymnasium's can be used, and whether one is of its space.

Gymnasium's own `flatten` makes vectors of them, but takes what lies outside: a number
below its space becomes another one from behind, and a NaN some integer.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from qmle_acme.environments.checked import Invalid, check_numeric, shown
from qmle_acme.errors import UserError


def check_space(space: spaces.Space, name: str = 'observation') -> None:
  """Checks that all observations of a space are vectors of one size, at least 1.

  Raises:
    UserError: they are not; the message names the member.
  """
  match space:
    case spaces.Tuple():
      members = {f'{name}/{i}': member for i, member in enumerate(space.spaces)}
    case spaces.Dict():
      members = {f'{name}/{key}': member for key, member in space.spaces.items()}
    case spaces.Box() | spaces.Discrete() | spaces.MultiDiscrete():
      members = {}
    case spaces.MultiBinary():
      members = {}
    case _:
      raise UserError(
        f'{name} space {type(space).__name__} is not supported: wrap the environment '
        'so that it is a Box, Discrete, MultiDiscrete or MultiBinary, or a Tuple or '
        'Dict of these'
      )
  for where, member in members.items():
    check_space(member, where)
  # Gymnasium cannot make a part of a vector of what has no members.
  is_bare = isinstance(space, spaces.Tuple | spaces.Dict) and not members
  is_whole = name == 'observation'
  if is_bare or (is_whole and spaces.flatdim(space) < 1):
    advice = (
      'use one that has something to see' if is_whole else 'leave this member out'
    )
    raise UserError(f'{name} space is empty: {advice}')


def check(space: spaces.Space, value: Any, name: str = 'observation') -> None:
  """Checks one observation, but for whether its numbers are finite.

  A number outside of the bounds of a box of floats is taken: many environments have
  such.

  Raises:
    Invalid: it is not of its space; the message names the member.
  """
  match space:
    case spaces.Box():
      _check_box(space, value, name)
    case spaces.Tuple():
      if not isinstance(value, (tuple, list)) or len(value) != len(space.spaces):
        raise Invalid(name, f'is {shown(value)}: {len(space.spaces)} members are due')
      for i, member in enumerate(space.spaces):
        check(member, value[i], f'{name}/{i}')
    case spaces.Dict():
      for key, member in space.spaces.items():
        if not isinstance(value, Mapping) or key not in value:
          raise Invalid(name, f'is {shown(value)}: it lacks {key!r}')
        check(member, value[key], f'{name}/{key}')
    case _:
      if not space.contains(value):
        raise Invalid(name, f'is {shown(value)}: it must be of {shown(space)}')


def _check_box(space: spaces.Box, value: Any, name: str) -> None:
  check_numeric(name, value)
  shape = np.shape(value)
  if shape != space.shape:
    raise Invalid(name, f'has the shape {shape}: it must be {space.shape}')
  if space.dtype is not None and space.dtype.kind != 'f':
    try:
      is_same = bool(np.all(np.asarray(value, space.dtype) == value))
    except (TypeError, ValueError, OverflowError):  # NaN, or no number.
      is_same = False
    if not is_same:
      raise Invalid(name, f'is {shown(value)}: it must be of {space.dtype}')
