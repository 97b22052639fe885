"""A choice together with its own parameters: Platform and Goal, of Masson et al. 2016.

Both are Gymnasium environments with a `Dict` of actions; importing this module
registers them as `qmle_acme/Platform-v0` and `qmle_acme/Goal-v0`.
"""

import dm_env
import gymnasium

from qmle_acme.environments import gymnasium as adapter

_IDS = {
  'platform': 'qmle_acme/Platform-v0',
  'goal': 'qmle_acme/Goal-v0',
  'goal:released': 'qmle_acme/GoalReleased-v0',
}
_PLATFORM_STEPS = 200

gymnasium.register(
  _IDS['platform'],
  'qmle_acme.environments.platform:Platform',
  max_episode_steps=_PLATFORM_STEPS,
)
for _name, _is_as_released in (('goal', False), ('goal:released', True)):
  gymnasium.register(
    _IDS[_name],
    'qmle_acme.environments.goal:Goal',
    kwargs={'is_as_released': _is_as_released},
  )


def names() -> tuple[str, ...]:
  """Returns the names within the family."""
  return tuple(_IDS)


def knows(name: str) -> bool:
  """Returns whether there is a task of that name."""
  return name in _IDS


def make(name: str, seed: int) -> dm_env.Environment:
  """Returns the task of that name."""
  return adapter.make(_IDS[name], seed)
