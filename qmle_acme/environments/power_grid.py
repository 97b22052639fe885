"""Power grids: keep a grid in operation for a day, by Grid2Op (an optional package).

'grid2op:l2rpn_case14_sandbox' has Grid2Op's own actions, a `Dict` of switches, buses,
redispatch and curtailment; with ':discrete' behind it one action a step changes the
status of one line or the buses of one substation. A step is five minutes and an episode
a day, which ends early where the grid fails. Of all the days in the grid's data, every
third is held out: '<name>:held_out' has those, and the plain name the others, drawn by
the seed. The power flow is computed by LightSim2grid.

An episode that lasts the whole day is cut off, and not terminated.
"""

import re
import warnings
from typing import Any

import dm_env
import gymnasium
import numpy as np
from gymnasium import spaces

from qmle_acme.environments import gymnasium as adapter
from qmle_acme.errors import UserError, unknown

_NAME = re.compile(r'(?P<grid>\w+)(?P<discrete>:discrete)?(?P<held_out>:held_out)?')
_EXAMPLE = 'l2rpn_case14_sandbox'
_DAY = 288  # Steps.
_HELD_OUT = 3  # Every third day.
_SINGLE_ACTIONS = ('set_bus', 'set_line_status')
# What is observed, and what it is divided by to be near 1; MW by the largest generator.
_OBSERVED: dict[str, float | None] = {
  'rho': 1.0,
  'line_status': 1.0,
  'timestep_overflow': 3.0,
  'topo_vect': 2.0,
  'gen_p': None,
  'load_p': None,
  'p_or': None,
  'target_dispatch': None,
  'actual_dispatch': None,
  'time_before_cooldown_line': 12.0,
  'time_before_cooldown_sub': 12.0,
  'time_next_maintenance': 288.0,
  'curtailment_limit': 1.0,
  'hour_of_day': 24.0,
  'minute_of_hour': 60.0,
  'day_of_week': 7.0,
}


class Days(gymnasium.Wrapper):
  """Every episode is one day of some, drawn uniformly."""

  def __init__(self, environment: Any, is_held_out: bool):
    """Wraps a grid.

    Args:
      environment: a grid as Grid2Op's adapter for Gymnasium has it.
      is_held_out: whether to draw from the days that are held out, or all others.

    Raises:
      UserError: the grid's data have no such day.
    """
    super().__init__(environment)
    self._grid = grid = environment.init_env  # A copy of what it was made from.
    self._random = np.random.default_rng()
    series = len(grid.chronics_handler.subpaths)
    days = max(1, (grid.max_episode_duration() + 1) // _DAY)
    every = [(chronic, day) for chronic in range(series) for day in range(days)]
    is_last = [i % _HELD_OUT == _HELD_OUT - 1 for i in range(len(every))]
    self.days = [
      d for d, last in zip(every, is_last, strict=True) if last == is_held_out
    ]
    if not self.days:
      raise UserError(f'its data have {len(every)} days: none of them is held out')

  def reset(
    self, *, seed: int | None = None, options: dict[str, Any] | None = None
  ) -> tuple[Any, dict[str, Any]]:
    """Starts a day."""
    del options
    if seed is not None:
      self._random = np.random.default_rng(seed)
    chronic, day = self.days[self._random.integers(len(self.days))]
    start = {'time serie id': chronic, 'max step': _DAY}
    if day:
      start['init ts'] = day * _DAY
    return self.env.reset(seed=seed, options=start)

  def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
    """Acts; a day that is over is no failure."""
    observation, reward, is_over, _, info = self.env.step(action)
    is_whole = is_over and self._grid.nb_time_step >= self._grid.max_episode_duration()
    return observation, float(reward), is_over and not is_whole, is_whole, info


def names() -> tuple[str, ...]:
  """Returns examples: a grid, with :discrete, :held_out, or both behind it."""
  return (_EXAMPLE, f'{_EXAMPLE}:discrete', f'{_EXAMPLE}:discrete:held_out')


def knows(name: str) -> bool:
  """Returns whether a name has that form; Grid2Op may not have the grid."""
  return _NAME.fullmatch(name) is not None


def make(name: str, seed: int) -> dm_env.Environment:
  """Returns the grid of that name.

  Raises:
    UserError: Grid2Op is not installed, or it has no such grid.
  """
  match = _NAME.fullmatch(name)
  assert match is not None
  grid = _make_grid(match['grid'])
  from grid2op import gym_compat

  environment = gym_compat.GymEnv(grid, with_forecast=False)
  environment.observation_space.close()
  environment.observation_space = _observations(grid)
  if match['discrete']:
    environment.action_space.close()
    environment.action_space = gym_compat.DiscreteActSpace(
      grid.action_space, attr_to_keep=list(_SINGLE_ACTIONS)
    )
  else:
    environment.action_space.noop = _noop(environment.action_space)
  try:
    return adapter.Adapter(Days(environment, bool(match['held_out'])), seed)
  except UserError as error:
    environment.close()
    raise UserError(f'grid2op:{name}: {error}') from error


def _make_grid(name: str) -> Any:
  """Returns Grid2Op's environment: one that the user has downloaded, or a small one.

  The small ones are part of the package, for tests, and enough to learn on.
  """
  try:
    import grid2op
    from lightsim2grid import LightSimBackend
  except ImportError as error:
    raise UserError(
      f'grid2op:{name} needs Grid2Op and LightSim2grid, which are not installed '
      f'({error}): docs/tasks.md says how'
    ) from error
  own, small = grid2op.list_available_local_env(), grid2op.list_available_test_env()
  if name not in {*own, *small}:
    raise unknown('grid', name, tuple(sorted({*own, *small})))
  with warnings.catch_warnings():
    warnings.simplefilter('ignore')
    return grid2op.make(name, test=name not in own, backend=LightSimBackend())


def _noop(space: spaces.Dict) -> dict[str, np.ndarray]:
  """Returns the action that leaves the grid alone.

  Nothing is switched and the dispatch stays; generators may give all that they have.
  """
  noop = {name: np.zeros_like(part.sample()) for name, part in space.items()}
  match space.get('curtail'):
    case spaces.Box() as curtail:
      noop['curtail'] = curtail.high
  return noop


def _observations(grid: Any) -> Any:
  """Returns the observation space: one float32 vector, nearly scaled."""
  from grid2op import gym_compat

  largest = float(np.max(grid.gen_pmax))
  space = grid.observation_space
  kept = [name for name in _OBSERVED if name in space.attr_list_vect]
  divide = {name: _OBSERVED[name] or largest for name in kept}
  return gym_compat.BoxGymObsSpace(space, attr_to_keep=kept, divide=divide)
