"""Continuous actions on a grid: an environment whose actions are few points per axis.

'grid:3:control:walker:walk' is control:walker:walk with the low end, the middle and the
high end of each of its action dimensions: 3^6 actions, each six integers from 0 to 2.
A action dimensions, K points per dimension.
"""

from typing import Any

import dm_env
import numpy as np
from acme.wrappers import base
from dm_env import specs

from qmle_acme.environments import registry, variations
from qmle_acme.errors import UserError

knows = variations.knows


class Grid(base.EnvironmentWrapper):
  """Takes integers 0 ... K - 1 and hands on K equidistant points, ends included."""

  def __init__(self, environment: dm_env.Environment, points: int):
    """Initialises.

    Args:
      environment: its actions are a box of any shape with finite bounds.
      points: K, at least 2.
    """
    super().__init__(environment)
    self._box: specs.BoundedArray = environment.action_spec()
    self._last = points - 1

  def step(self, action: np.ndarray) -> dm_env.TimeStep:
    """Takes the action, integers in the shape of the box."""
    share = np.asarray(action, np.float64) / self._last
    # A weighted mean: `low + (high - low)` may round to something above `high`.
    point = (1.0 - share) * self._box.minimum + share * self._box.maximum
    return super().step(point.astype(self._box.dtype))

  def action_spec(self) -> specs.BoundedArray:
    """Integers 0 ... K - 1 in the shape of the box."""
    return specs.BoundedArray(self._box.shape, np.int32, 0, self._last, 'action')


def names() -> tuple[str, ...]:
  """Returns examples of names, which have the form <K>:<another environment>."""
  return ('3:control:cartpole:swingup', '3:synthetic:box:8')


def make(name: str, seed: int) -> Grid:
  """Returns the environment of that name.

  Raises:
    UserError: K is out of range, there is no such other environment, or its actions
      are no box.
  """
  points, other = variations.parse('grid', name)
  environment = registry.make(other, seed)
  if not _is_box(environment.action_spec()):
    environment.close()
    raise UserError(f'grid:{name}: its actions are no bounded box: use {other}')
  return Grid(environment, points)


def _is_box(spec: Any) -> bool:
  """Returns whether an action spec is one box of floats with finite bounds."""
  if not isinstance(spec, specs.BoundedArray) or spec.dtype.kind != 'f':
    return False
  return bool(np.isfinite([*np.ravel(spec.minimum), *np.ravel(spec.maximum)]).all())
