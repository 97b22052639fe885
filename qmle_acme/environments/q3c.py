"""Restricted locomotion as Q3C (arXiv 2510.18828) and SAVO (arXiv 2410.11833) have it.

'q3c:Hopper-v5' is Gymnasium's Hopper-v5 with actions that work inside the union of 33
balls a dimension. Their centres are numpy's RandomState(123).random_sample((33 A, A)),
and each has a volume of 0.6/33 of the unit box times a factor of its environment. An
invalid action is zero for the body, and for the pendulum -1. As in the released code
(USC-Lira/Q3C, commit 4a5456b) its reward is -10 whatever happens, and the pendulum's
first action of an episode is always valid.

A action dimensions.
"""

import dataclasses
import re

import dm_env
import numpy as np
from acme.wrappers import base

from qmle_acme.environments import registry, restricted
from qmle_acme.environments.balls import BALLS_PER_DIMENSION, Balls

_NAME = re.compile(r'(?P<body>\w+)-v\d+')
_SEED = 123
_COVER = 0.6
_PENALTY = -10.0


@dataclasses.dataclass(frozen=True)
class Rule:
  """What is particular to a body.

  Attributes:
    volume_factor: of each ball.
    instead: the value that every joint gets in the place of an invalid action.
    is_first_valid: whether the first action of an episode is valid wherever it lies.
  """

  volume_factor: float
  instead: float = 0.0
  is_first_valid: bool = False


_RULES = {
  'InvertedPendulum': Rule(3.0, instead=-1.0, is_first_valid=True),
  'Hopper': Rule(1.25),
  'HalfCheetah': Rule(0.25),
  'Walker2d': Rule(0.25),
}


class Published(base.EnvironmentWrapper):
  """Hands on valid actions; for any other the body gets a fixed one, and pays 10."""

  def __init__(self, environment: dm_env.Environment, rule: Rule):
    """Wraps an environment whose actions are a box."""
    super().__init__(environment)
    self._rule = rule
    self._box = restricted.to_box(environment)
    volume = _COVER / BALLS_PER_DIMENSION * rule.volume_factor
    self._balls = Balls.of_volume(self._box.size, volume, _SEED)
    spec = environment.action_spec()
    self._instead = np.full(spec.shape, rule.instead, spec.dtype)
    self._is_first = True

  def reset(self) -> dm_env.TimeStep:
    """Starts an episode."""
    return self._remember(super().reset())

  def step(self, action: np.ndarray) -> dm_env.TimeStep:
    """Takes the action if it is valid; starts an episode if the last one is over."""
    is_free = self._is_first and self._rule.is_first_valid
    if is_free or restricted.is_valid(self._box, self._balls, action):
      return self._remember(super().step(action))
    timestep = super().step(self._instead.copy())
    if not timestep.first():
      timestep = timestep._replace(reward=np.float32(_PENALTY))
    return self._remember(timestep)

  def _remember(self, timestep: dm_env.TimeStep) -> dm_env.TimeStep:
    self._is_first = timestep.first()
    return timestep


def names() -> tuple[str, ...]:
  """Returns the names with Gymnasium's newest versions; its others work as well."""
  return tuple(f'{body}-v5' for body in _RULES)


def knows(name: str) -> bool:
  """Returns whether that is one of the four bodies, in a version of Gymnasium's."""
  match = _NAME.fullmatch(name)
  return match is not None and match['body'] in _RULES


def make(name: str, seed: int) -> Published:
  """Returns the environment of that name.

  Raises:
    UserError: Gymnasium has no such version of the body.
  """
  match = _NAME.fullmatch(name)
  assert match is not None
  rule = _RULES[match['body']]
  return Published(registry.make(f'gymnasium:{name}', seed), rule)
