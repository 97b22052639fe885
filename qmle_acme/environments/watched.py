"""An environment that says when it has been entered, and when left."""

import contextlib
from collections.abc import Callable
from typing import Any

import dm_env
from acme.wrappers import base

_RESET, _STEP = INSIDE = (
  'inside `reset` of its environment',
  'inside `step` of its environment',
)


class Watched(base.EnvironmentWrapper):
  """Names what is being done while the wrapped environment does it."""

  def __init__(
    self,
    environment: dm_env.Environment,
    doing: Callable[[str], contextlib.AbstractContextManager[None]],
  ):
    super().__init__(environment)
    self._doing = doing

  def reset(self) -> dm_env.TimeStep:
    """Starts an episode."""
    with self._doing(_RESET):
      return self.environment.reset()

  def step(self, action: Any) -> dm_env.TimeStep:
    """Takes the action."""
    with self._doing(_STEP):
      return self.environment.step(action)
