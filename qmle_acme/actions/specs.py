"""From an environment's action spec to the agent's action space."""

from typing import Any

import tree

from qmle_acme.actions import base, box, discrete, hybrid, items, support
from qmle_acme.errors import UserError


def make(spec: Any, bins: int) -> base.ActionSpace:
  """Returns the action space that a dm_env action spec describes.

  Args:
    spec: the environment's action spec: a BoundedArray of floats, integers or truth
      values (a DiscreteArray is one), or tuples, lists and dictionaries of them.
    bins: K, number of bins per continuous dimension, at least 2.

  Raises:
    UserError: the spec is empty, unbounded, of one action alone, of too many values,
      or of a kind that is not supported.
  """
  support.check(spec)
  space = _make(spec, bins)
  if max(space.bin_counts, default=1) < 2:
    raise UserError(
      'the action spec allows one action alone, since its bounds are equal: use an '
      'environment that has a choice'
    )
  return space


def _make(spec: Any, bins: int) -> base.ActionSpace:
  """Returns the action space of a spec that has one."""
  if tree.is_nested(spec):
    return hybrid.Hybrid(spec, bins)
  if isinstance(spec, items.ItemArray):
    return items.Items(spec, bins)
  return box.Box(spec, bins) if spec.dtype.kind == 'f' else discrete.Discrete(spec)
