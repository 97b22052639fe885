"""Continuous actions on a grid: an environment whose actions are few points per axis.

'grid:3:control:walker:walk' is control:walker:walk with the low end, the middle and the
high end of each of its action dimensions: 3^6 actions, each six integers from 0 to 2.
A action dimensions, those of some width; K points per dimension.
"""

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

    Raises:
      UserError: they are none.
    """
    super().__init__(environment)
    # With TensorFlow, which a name that is looked up does not need.
    from qmle_acme import actions

    box = actions.make(environment.action_spec(), bins=points)
    if not isinstance(box, actions.Box):
      raise UserError('its actions are no box: use the environment without a grid')
    self._box = box
    self._points = np.asarray(box.from_bins(np.arange(points)))  # [K]

  def step(self, action: np.ndarray) -> dm_env.TimeStep:
    """Takes the action, integers [A]."""
    return super().step(self._box.to_environment(self._points[action]))

  def action_spec(self) -> specs.BoundedArray:
    """Integers 0 ... K - 1, [A]; a dimension of no width has none."""
    last = len(self._points) - 1
    return specs.BoundedArray((self._box.size,), np.int32, 0, last, 'action')

  def to_own(self, action: np.ndarray) -> np.ndarray:
    """Returns the action: integers are the form that the grid itself takes."""
    return action

  from_own = to_own


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
  try:
    return Grid(environment, points)
  except UserError as error:
    environment.close()
    raise UserError(f'grid:{name}: {error}') from error
