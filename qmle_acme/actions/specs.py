"""From an environment's action spec to the agent's action space."""

import numpy as np
from dm_env import specs

from qmle_acme.actions import base, box
from qmle_acme.errors import UserError


def make(spec: specs.Array, bins: int) -> base.ActionSpace:
  """Returns the action space that a dm_env action spec describes.

  Args:
    spec: the environment's action spec.
    bins: K, number of bins per continuous dimension.

  Raises:
    UserError: the spec is empty, unbounded, or of a kind that is not supported.
  """
  if not isinstance(spec, specs.BoundedArray) or spec.dtype.kind != 'f':
    raise UserError(
      f'action spec {spec!r} is not supported: QMLE here needs a float BoundedArray'
    )
  if 0 in spec.shape:
    raise UserError(f'action spec {spec!r} is empty: there is nothing to choose')
  if not (np.isfinite(spec.minimum).all() and np.isfinite(spec.maximum).all()):
    raise UserError(
      f'action spec {spec!r} is unbounded: wrap the environment so that its actions '
      'have finite bounds, for example with acme.wrappers.CanonicalSpecWrapper'
    )
  return box.Box(spec, bins)
