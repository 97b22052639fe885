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
  # Not its repr, which breaks the line when it lists many bounds.
  name = f'action spec {spec.name!r} ({spec.dtype} {spec.shape})'
  if not isinstance(spec, specs.BoundedArray) or spec.dtype.kind != 'f':
    raise UserError(
      f'{name} is not supported: use an environment with a float BoundedArray'
    )
  if 0 in spec.shape:
    raise UserError(f'{name} is empty: use an environment that has actions')
  if not (np.isfinite(spec.minimum).all() and np.isfinite(spec.maximum).all()):
    raise UserError(
      f'{name} is unbounded: wrap the environment so that its bounds are finite'
    )
  return box.Box(spec, bins)
