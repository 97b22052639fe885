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

from qmle_acme.errors import UserError
from qmle_acme.types import Array


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
    UserError: it is none of these.
  """
  is_nest = tree.is_nested(observation) and not isinstance(observation, list)
  array = None if is_nest else np.asarray(observation)
  is_float = array is not None and array.dtype.kind == 'f' and array.ndim in (1, 2)
  if array is not None and is_float and array.shape[-1] == size:
    return array.astype(np.float32).reshape(-1, size), array.ndim == 2
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
      f'or a vector of {size} floats, or several of one of these stacked'
    )
  return np.stack(known), True


def _to_vector(
  environment: dm_env.Environment, size: int, observation: Any
) -> Array | None:
  """Returns float32 [O] for an observation in its own form; None if it is in none."""
  flatten = getattr(environment, 'flatten_observation', np.ravel)
  try:
    vector = np.asarray(flatten(observation), np.float32)
  except (TypeError, ValueError, LookupError, AttributeError, AssertionError):
    return None
  return vector if vector.shape == (size,) else None


def to_own(environment: dm_env.Environment, action: Any) -> Any:
  """Returns the environment's own form of an action in the form of its spec."""
  convert = getattr(environment, 'to_own', None)
  return convert(action) if convert else action


def from_own(environment: dm_env.Environment, action: Any) -> Any:
  """Returns the form of the spec for an action in the environment's own form."""
  convert = getattr(environment, 'from_own', None)
  return convert(action) if convert else action
