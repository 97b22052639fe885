"""Actions that work only here and there in the box.

'restricted:0.3:control:walker:walk' is control:walker:walk where an action has an
effect inside the union of 33 balls a dimension, which cover 30 % of the box; elsewhere
the environment gets zero. 'restricted:0.3:7:control:walker:walk' draws the centres by
the seed 7 instead of 123. It is that of the environment's name, not that of a run, so
the same name is the same task for every run. After SAVO (arXiv 2410.11833) and Q3C
(arXiv 2510.18828), whose very tasks are in `q3c`.

A action dimensions, those of some width.
"""

import re
from typing import TYPE_CHECKING

import dm_env
import numpy as np
from acme.wrappers import base

from qmle_acme.environments import registry, variations
from qmle_acme.environments.balls import Balls
from qmle_acme.errors import UserError, check_seed

if TYPE_CHECKING:  # With TensorFlow, which a name that is looked up does not need.
  from qmle_acme import actions

_NAME = re.compile(
  rf'(?P<share>{variations.NUMBER})(:(?P<seed>[0-9]+))?:(?P<other>[^\d].*)'
)
_SEED = 123


class Restricted(base.EnvironmentWrapper):
  """Hands on the actions inside the balls, and zero in the place of all others."""

  def __init__(self, environment: dm_env.Environment, share: float, seed: int):
    """Wraps an environment.

    Args:
      environment: its actions are a box of any shape with finite bounds.
      share: of the box that is valid, above 0 and below 1.
      seed: of the balls' centres.

    Raises:
      UserError: its actions are no box.
    """
    super().__init__(environment)
    self._box = to_box(environment)
    self._balls = Balls.covering(self._box.size, share, seed)
    spec = environment.action_spec()
    # The action nearest to zero, where the bounds leave zero out.
    nothing = np.clip(np.zeros(spec.shape), spec.minimum, spec.maximum)
    self._nothing = nothing.astype(spec.dtype)

  def is_valid(self, action: np.ndarray) -> bool:
    """Returns whether an action works."""
    return is_valid(self._box, self._balls, action)

  def step(self, action: np.ndarray) -> dm_env.TimeStep:
    """Takes the action, or zero instead; starts an episode if the last one is over."""
    return super().step(action if self.is_valid(action) else self._nothing.copy())


def to_box(environment: dm_env.Environment) -> 'actions.Box':
  """Returns the action space of an environment with continuous actions.

  Raises:
    UserError: its actions are no box.
  """
  from qmle_acme import actions

  box = actions.make(environment.action_spec(), bins=2)
  if not isinstance(box, actions.Box):
    raise UserError('its actions are no box: restrict an environment that has one')
  return box


def is_valid(box: 'actions.Box', balls: Balls, action: np.ndarray) -> bool:
  """Returns whether an action, scaled to the unit box, lies in one of the balls."""
  unit = 0.5 * (box.from_environment(action).astype(np.float64) + 1.0)  # [A]
  return bool(balls.contain(unit))


def names() -> tuple[str, ...]:
  """Returns examples of names: <share>:[<seed of the balls>:]<another environment>."""
  return (
    '0.3:control:cartpole:swingup',
    '0.3:control:walker:walk',
    '0.5:7:gymnasium:Hopper-v5',
  )


def knows(name: str) -> bool:
  """Returns whether a name has that form; the other environment may not exist."""
  return _NAME.fullmatch(name) is not None


def make(name: str, seed: int) -> Restricted:
  """Returns the environment of that name.

  Raises:
    UserError: a number is out of range, there is no such other environment, or its
      actions are no box.
  """
  match = _NAME.fullmatch(name)
  assert match is not None
  share = float(match['share'])
  if not 0.0 < share < 1.0:
    raise UserError(f'restricted:{name}: {match["share"]} must be above 0 and below 1')
  balls_seed = int(match['seed'] or _SEED)
  environment = registry.make(match['other'], seed)
  try:
    check_seed(balls_seed)
    return Restricted(environment, share, balls_seed)
  except UserError as error:
    environment.close()
    raise UserError(f'restricted:{name}: {error}') from error
