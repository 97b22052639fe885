"""The forms that observations and actions have outside of an environment of ours.

An environment of ours takes and gives what its specs say: observations are one float32
vector [O]. What it is made of may have other forms, its own: a dictionary of arrays, a
Gymnasium `Discrete` that starts at 1. One where they differ has these methods; what
wraps another one has those of the other one.

  flatten_observation(observation)  from the own form to [O]
  to_own(action)                    from the form of the spec to the own form
  from_own(action)                  back
"""

from typing import Any

import dm_env
import numpy as np
import tree

from qmle_acme.environments.checked import Invalid
from qmle_acme.errors import UserError
from qmle_acme.types import Array

# Kinds of numpy's types that would become real numbers: complex ones and text.
_NOT_REAL = 'cSU'
# What is raised where an observation has not the environment's own form.
_NOT_ITS_OWN = (
  Invalid,
  TypeError,
  ValueError,
  LookupError,
  AttributeError,
  AssertionError,
)


def to_vectors(
  environment: dm_env.Environment, size: int, observation: Any
) -> tuple[Array, bool]:
  """Returns observations as float32 [B, O], and whether several were given.

  Args:
    environment: that they are of.
    size: O.
    observation: one in the environment's own form, or a vector [O] of floats; or B of
      these, stacked into one array.

  Raises:
    UserError: it is none of these, or not finite.
  """
  vectors, is_batch = _read(environment, size, observation)
  is_finite = np.isfinite(vectors)
  if not is_finite.all():
    row, place = np.argwhere(~is_finite)[0]
    which = f'observation {row}' if is_batch else 'the observation'
    raise UserError(
      f'{which} is {vectors[row, place]} at place {place}: it must be finite in float32'
    )
  return vectors, is_batch


def _read(
  environment: dm_env.Environment, size: int, observation: Any
) -> tuple[Array, bool]:
  """Returns what `to_vectors` does, whatever the numbers are."""
  is_nest = tree.is_nested(observation) and not isinstance(observation, list)
  array = None if is_nest else np.asarray(observation)
  is_float = array is not None and array.dtype.kind == 'f' and array.ndim in (1, 2)
  if array is not None and is_float and array.size and array.shape[-1] == size:
    return _to_float32(array).reshape(-1, size), array.ndim == 2
  one = _to_vector(environment, size, observation)
  if one is not None:
    return one[None], False
  rows = [] if array is None or not array.ndim else list(array)
  several = [_to_vector(environment, size, row) for row in rows]
  known = [row for row in several if row is not None]
  if not rows or len(known) < len(rows):
    given = 'a nest' if array is None else f'an array {array.shape} of {array.dtype}'
    raise UserError(
      f'this is no observation of the environment ({given}): give one in its own form, '
      f'or a vector of {size} floats, or several vectors or arrays stacked, or a list '
      'of nests'
    )
  return np.stack(known), True


def _to_vector(
  environment: dm_env.Environment, size: int, observation: Any
) -> Array | None:
  """Returns float32 [O] for an observation in its own form; None if it is in none."""
  flatten = getattr(environment, 'flatten_observation', np.ravel)
  if any(np.asarray(x).dtype.kind in _NOT_REAL for x in tree.flatten(observation)):
    return None
  try:
    vector = _to_float32(flatten(observation))
  except _NOT_ITS_OWN:
    return None
  return vector if vector.shape == (size,) else None


def _to_float32(value: Any) -> Array:
  with np.errstate(over='ignore'):  # What becomes infinite is refused.
    return np.asarray(value).astype(np.float32)


def to_own(environment: dm_env.Environment, action: Any) -> Any:
  """Returns the environment's own form of an action in the form of its spec."""
  convert = getattr(environment, 'to_own', None)
  return convert(action) if convert else action


def from_own(environment: dm_env.Environment, action: Any) -> Any:
  """Returns the form of the spec for an action in the environment's own form."""
  convert = getattr(environment, 'from_own', None)
  return convert(action) if convert else action
