"""Which action specs have an action space, told without TensorFlow."""

from typing import Any

import numpy as np
import tree
from dm_env import specs

from qmle_acme.actions.item_array import ItemArray
from qmle_acme.errors import UserError

# The largest number of values of one index. Its arithmetic is exact up to 2^53.
MAX_VALUES = 10**9


def check(spec: Any) -> None:
  """Raises UserError if an action spec, or a part of it, has no action space."""
  try:
    leaves = tree.flatten_with_path(spec)
  except TypeError:  # In a dictionary whose keys are of several types.
    raise UserError(
      'the action spec has a dictionary whose keys have no order: wrap the environment '
      'so that they are all text'
    ) from None
  if not leaves:
    raise UserError('the action spec is empty: use an environment that has actions')
  for path, leaf in leaves:
    _check(leaf, path)


def is_box(spec: Any) -> bool:
  """Returns whether an action spec that has a space is one array of real numbers."""
  if tree.is_nested(spec) or isinstance(spec, ItemArray):
    return False
  return bool(spec.dtype.kind == 'f')


def _check(spec: Any, path: tuple[str | int, ...]) -> None:
  """Raises UserError if a spec, which lies at a path in a nest, has no space."""
  where = ''.join(f'[{key!r}]' for key in path)
  if not isinstance(spec, specs.Array):
    raise UserError(
      f'action spec{where} is a {type(spec).__name__}: use an environment whose action '
      f'spec is a dm_env.specs.BoundedArray, or tuples, lists and dictionaries of them'
    )
  # Not its repr, which breaks the line when it lists many bounds.
  called = f' {spec.name!r}' if spec.name else ''
  name = f'action spec{where}{called} ({spec.dtype} {spec.shape})'
  if spec.dtype.kind not in 'fiub':
    raise UserError(
      f'{name} is not supported: wrap the environment so that it is a BoundedArray '
      f'of floats or integers'
    )
  if 0 in spec.shape:
    raise UserError(f'{name} is empty: use an environment that has actions')
  if not _is_bounded(spec):
    raise UserError(
      f'{name} is unbounded: wrap the environment so that its bounds are finite (in '
      f'Gymnasium by TransformAction, in dm_env by a BoundedArray)'
    )
  if spec.dtype.kind != 'f':
    _check_values(spec, name)


def _is_bounded(spec: specs.Array) -> bool:
  """Returns whether a spec has bounds that mean something."""
  if not isinstance(spec, specs.BoundedArray):
    return False
  if spec.dtype.kind == 'f':
    return _is_bounded_box(spec)
  if spec.dtype.kind == 'b':
    return True
  # All values of an integer type are how others write that there are no bounds.
  limits = np.iinfo(spec.dtype)
  ends = (spec.minimum == limits.min) & (spec.maximum == limits.max)
  return spec.dtype.itemsize < 4 or not np.any(ends)


def _is_bounded_box(spec: specs.BoundedArray) -> bool:
  """Returns whether the bounds of a spec of floats, and the widths, are numbers."""
  # The largest number of the type, too, is how others write that there is no bound.
  largest = np.finfo(spec.dtype).max
  if not all(np.all(np.abs(b) < largest) for b in (spec.minimum, spec.maximum)):
    return False
  with np.errstate(over='ignore'):
    width = np.asarray(spec.maximum, np.float64) - np.asarray(spec.minimum, np.float64)
  return bool(np.isfinite(width).all())


def _check_values(spec: specs.BoundedArray, name: str) -> None:
  """Raises UserError if an index of a discrete spec has too large or many values."""
  # In Python's integers, since the difference may not fit the type.
  bounds = np.broadcast_arrays(spec.minimum, spec.maximum)
  lows, highs = (list(map(int, bound.ravel().tolist())) for bound in bounds)
  if max(highs) > np.iinfo(np.int64).max:
    raise UserError(
      f'{name} has bounds that do not fit int64: wrap the environment so that they do'
    )
  most = max(high - low + 1 for low, high in zip(lows, highs, strict=True))
  if most > MAX_VALUES:
    raise UserError(
      f'{name} has an index of {most:,} values, more than {MAX_VALUES:,}: '
      f'wrap the environment so that it is several indices'
    )
