"""An environment that says when it has been entered, and when left."""

import contextlib
from collections.abc import Callable
from typing import Any

import dm_env
from acme.wrappers import base


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
    with self._doing('inside `reset` of its environment'):
      return self.environment.reset()

  def step(self, action: Any) -> dm_env.TimeStep:
    """Takes the action."""
    with self._doing('inside `step` of its environment'):
      return self.environment.step(action)
