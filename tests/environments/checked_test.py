"""What an environment hands out is checked, and what it is given is a copy."""

import sys
from typing import Any

import dm_env
import gymnasium
import numpy as np
import pytest
from dm_env import specs
from gymnasium import spaces

from qmle_acme import environments
from qmle_acme.environments import own
from qmle_acme.environments.checked import Checked, EnvironmentFault
from qmle_acme.errors import EnvironmentCrash, UserError

NAME = f'gymnasium:{__name__}:Odd-v0'


class Odd(gymnasium.Env):
  """Two numbers to see, one to choose; what it hands out is set by the test."""

  observation_space: spaces.Space = spaces.Box(-1.0, 1.0, (2,), np.float32)
  action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
  observation: Any = (0.0, 0.0)
  reward: Any = 0.0
  terminated: Any = False

  def reset(self, **settings: Any) -> tuple[Any, dict[str, Any]]:
    super().reset(**settings)
    return self.observation, {}

  def step(self, action: np.ndarray) -> tuple[Any, Any, Any, bool, dict[str, Any]]:
    action *= 7.0
    if self.reward == 'leave':
      sys.exit(0)
    return self.observation, self.reward, self.terminated, False, {}


gymnasium.register('Odd-v0', f'{__name__}:Odd')


def test_what_is_no_time_step_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
  inner = environments.make('bandit:bimodal', seed=0).unchecked
  environment = Checked(own.Flat(inner), 'mine')
  environment.reset()
  monkeypatch.setattr(inner, 'step', lambda action: 'x')
  message = "mine: step 1: the time step is 'x': a dm_env.TimeStep is due"
  with pytest.raises(EnvironmentFault, match=message):
    environment.step(np.zeros(2, np.float32))


def test_close_that_raises_is_a_warning(monkeypatch: pytest.MonkeyPatch) -> None:
  def close(self: Odd) -> None:
    raise ValueError('the simulator is gone')

  monkeypatch.setattr(Odd, 'close', close)
  environment = environments.make(NAME, seed=0)
  what = f'{NAME}: close has raised ValueError: the simulator is gone'
  with pytest.warns(UserWarning, match=what):
    environment.close()


def first_step() -> dm_env.TimeStep:
  """Returns what the first step of an odd environment gives."""
  environment = environments.make(NAME, seed=0)
  environment.reset()
  return environment.step(np.zeros(1, np.float32))


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])


@pytest.mark.parametrize(
  ('reward', 'what'),
  [
    (float('nan'), 'reward is nan: it must be finite in float32'),
    (1e39, 'reward is 1e+39: it must be finite in float32'),
    (-np.inf, 'reward is -inf: it must be finite in float32'),
    (None, 'reward is None: it must be one number'),
    (np.zeros(3), 'reward is array([0., 0., 0.]): it must be one number'),
    ('1', "reward is '1': it must be one number"),
    (10**39, f'reward is {10**39}: it must be finite in float32'),
    (np.ma.masked, 'reward is masked: it must be one number'),
  ],
)
def test_bad_reward_is_one_line(
  monkeypatch: pytest.MonkeyPatch, reward: Any, what: str
) -> None:
  environment = environments.make(NAME, seed=0)
  environment.reset()
  environment.step(np.zeros(1, np.float32))
  monkeypatch.setattr(Odd, 'reward', reward)

  with pytest.raises(EnvironmentFault) as caught:
    environment.step(np.zeros(1, np.float32))

  assert str(caught.value) == f'{NAME}: step 2: {what}'


def test_leaving_the_process_is_no_fault_of_the_data(
  monkeypatch: pytest.MonkeyPatch,
) -> None:
  monkeypatch.setattr(Odd, 'reward', 'leave')
  environment = environments.make(NAME, seed=0)
  environment.reset()

  with pytest.raises(EnvironmentCrash) as caught:
    environment.step(np.zeros(1, np.float32))

  assert str(caught.value) == f'{NAME}: step 1: left the process by sys.exit(0)'


@pytest.mark.parametrize(
  ('function', 'error', 'what'),
  [
    ('step', OSError('the link\nis down'), 'step 1: OSError: the link is down'),
    ('step', KeyError(), 'step 1: KeyError'),
    ('step', GeneratorExit('out'), 'step 1: GeneratorExit: out'),
    ('reset', AssertionError('lost'), 'step 1: AssertionError: lost'),
  ],
)
def test_an_error_of_its_own_is_one_line_with_its_name_and_the_step(
  monkeypatch: pytest.MonkeyPatch, function: str, error: BaseException, what: str
) -> None:
  def fail(*_: Any, **__: Any) -> Any:
    raise error

  environment = environments.make(NAME, seed=0)
  environment.reset()
  monkeypatch.setattr(Odd, function, fail)

  with pytest.raises(EnvironmentCrash) as caught:
    environment.step(np.zeros(1, np.float32))
    environment.reset()

  assert str(caught.value) == f'{NAME}: {what}'
  assert caught.value.__cause__ is error  # Whose traceback the log has.


def test_an_environment_of_the_old_gym_is_told_what_its_functions_lack(
  monkeypatch: pytest.MonkeyPatch,
) -> None:
  bare = own.adapt(Odd(), 0, 'mine')
  for environment in (environments.make(NAME, seed=0), Checked(bare, NAME)):
    environment.reset()
    with monkeypatch.context() as patch:
      patch.setattr(Odd, 'step', lambda *_: (np.zeros(2), 0.0, False, {}))
      with pytest.raises(EnvironmentFault) as caught:
        environment.step(np.zeros(1, np.float32))
      due = '5 are due (observation, reward, terminated, truncated, info)'
      assert str(caught.value) == f'{NAME}: step 1: step returned 4 values: {due}'
      patch.setattr(Odd, 'reset', lambda *_, **__: np.zeros(2))
      with pytest.raises(EnvironmentFault) as caught:
        environment.reset()
      due = 'reset returned array([0., 0.]): 2 are due (observation, info)'
      assert str(caught.value) == f'{NAME}: step 1: {due}'


class Begins(dm_env.Environment):
  """Gives time steps of these types, the first at reset."""

  def __init__(self, *types: dm_env.StepType):
    self._types = iter(types)

  def reset(self) -> dm_env.TimeStep:
    return self.step(None)

  def step(self, action: Any) -> dm_env.TimeStep:
    return dm_env.TimeStep(next(self._types), 1.0, 1.0, np.zeros(2, np.float32))

  def observation_spec(self) -> specs.Array:
    return specs.Array((2,), np.float32)

  def action_spec(self) -> specs.Array:
    return specs.BoundedArray((1,), np.float32, -1.0, 1.0)


FIRST, MID, LAST = dm_env.StepType


@pytest.mark.parametrize(
  ('types', 'what'),
  [
    ([MID], 'step 0: step_type of reset is'),
    ([LAST], 'step 0: step_type of reset is'),
    ([FIRST, MID, FIRST], 'step 2: step_type is'),
  ],
)
def test_an_episode_begins_with_a_first_step_and_has_one(
  types: list[dm_env.StepType], what: str
) -> None:
  environment = Checked(Begins(*types), NAME)
  with pytest.raises(EnvironmentFault, match=f'{NAME}: {what} .*StepType.*FIRST'):
    environment.reset()
    for _ in types:
      environment.step(None)


def test_a_step_after_the_last_one_may_begin_an_episode() -> None:
  environment = Checked(Begins(FIRST, LAST, FIRST, MID), NAME)
  environment.reset()
  types = [environment.step(None).step_type for _ in range(3)]
  assert types == [LAST, FIRST, MID]


@pytest.mark.parametrize('reward', [0.5, np.array([0.5]), np.float64(0.5), [[0.5]]])
def test_one_number_is_taken_as_it(
  monkeypatch: pytest.MonkeyPatch, reward: Any
) -> None:
  monkeypatch.setattr(Odd, 'reward', reward)
  environment = environments.make(NAME, seed=0)
  environment.reset()
  found = environment.step(np.zeros(1, np.float32)).reward
  assert found == 0.5 and found.dtype == np.float32 and np.shape(found) == ()


@pytest.mark.parametrize(
  ('space', 'observation', 'what'),
  [
    (None, np.zeros(3), 'has the shape (3,): it must be (2,)'),
    (None, [0.0, np.nan], 'is nan at place 1: it must be finite in float32'),
    (None, [1e39, 0.0], 'is inf at place 0: it must be finite in float32'),
    (spaces.Discrete(5), 7, 'is 7: it must be of Discrete(5)'),
    (spaces.Discrete(5), -1, 'is -1: it must be of Discrete(5)'),
    (spaces.MultiBinary(2), np.array([0, 2]), 'it must be of MultiBinary(2)'),
    (spaces.Box(0, 255, (1,), np.uint8), [-1], 'is [-1]: it must be of uint8'),
    (spaces.Box(0, 255, (1,), np.uint8), [np.nan], 'is [nan]: it must be of uint8'),
    (spaces.Dict({'a': spaces.Discrete(2)}), {}, "is {}: it lacks 'a'"),
    (spaces.Dict({'a': spaces.Discrete(2)}), {'a': 2}, 'observation/a is 2: it must'),
  ],
)
def test_bad_observation_is_one_line(
  monkeypatch: pytest.MonkeyPatch, space: Any, observation: Any, what: str
) -> None:
  if space is not None:
    monkeypatch.setattr(Odd, 'observation_space', space)
  monkeypatch.setattr(Odd, 'observation', observation)

  with pytest.raises(EnvironmentFault) as caught:
    environments.make(NAME, seed=0).reset()

  assert what in str(caught.value)
  assert str(caught.value).startswith(f'{NAME}: step 0: observation')
  assert '\n' not in str(caught.value)


def test_neither_action_nor_observation_is_shared_with_the_environment(
  monkeypatch: pytest.MonkeyPatch,
) -> None:
  buffer = np.zeros(2, np.float32)
  monkeypatch.setattr(Odd, 'observation', buffer)
  environment = environments.make(NAME, seed=0)
  action = np.ones(1, np.float32)

  first = environment.reset()
  environment.step(action)
  buffer += 1.0

  assert action == 1.0  # The environment has made 7 of what it got.
  np.testing.assert_array_equal(first.observation, [0.0, 0.0])


@pytest.mark.parametrize(
  ('kind', 'space'),
  [
    ('observation_space', spaces.Text(3)),
    ('observation_space', spaces.Tuple((spaces.Sequence(spaces.Discrete(2)),))),
    ('action_space', spaces.Text(3)),
    ('action_space', spaces.OneOf((spaces.Discrete(2), spaces.Discrete(3)))),
  ],
)
def test_space_that_is_not_supported_is_one_line(
  monkeypatch: pytest.MonkeyPatch, kind: str, space: spaces.Space
) -> None:
  monkeypatch.setattr(Odd, kind, space)
  with pytest.raises(UserError, match=r'space \w+ is not supported') as caught:
    environments.make(NAME, seed=0)
  assert '\n' not in str(caught.value)


def test_reward_of_several_numbers_is_refused_before_the_first_step(
  monkeypatch: pytest.MonkeyPatch,
) -> None:
  reward_space = spaces.Box(-1.0, 1.0, (3,))
  monkeypatch.setattr(Odd, 'reward_space', reward_space, raising=False)
  with pytest.raises(UserError, match=r'reward has the shape \(3,\), and a reward is'):
    environments.make(NAME, seed=0)


def test_constructor_that_raises_is_one_line_that_says_where(
  monkeypatch: pytest.MonkeyPatch,
) -> None:
  def fail(self: Odd) -> None:
    raise FileNotFoundError(2, 'No such file', '/opt/licence.dat')

  monkeypatch.setattr(Odd, '__init__', fail)
  with pytest.raises(UserError) as caught:
    environments.make(NAME, seed=0)
  assert str(caught.value).startswith(f'cannot make {NAME}: FileNotFoundError: ')
  assert '/opt/licence.dat' in str(caught.value)
  assert '\n' not in str(caught.value)


@pytest.mark.parametrize(
  ('observation', 'what'),
  [
    (None, 'observation is None: no number is there'),
    (['0.1', '0.2'], "observation is ['0.1', '0.2']: it must be real numbers"),
    (
      np.array([1j, 0.0]),
      'observation is array([0.+1.j, 0.+0.j]): it must be real numbers',
    ),
    (np.ma.array([0.1, 0.2], mask=[0, 1]), ': no number is there'),
  ],
)
def test_what_numpy_would_make_other_numbers_of_is_refused(
  monkeypatch: pytest.MonkeyPatch, observation: Any, what: str
) -> None:
  environment = environments.make(NAME, seed=0)
  monkeypatch.setattr(Odd, 'observation', observation)
  with pytest.raises(EnvironmentFault) as error:
    environment.reset()
  assert what in str(error.value)


@pytest.mark.parametrize(
  'value', [None, float('nan'), 'False', '', 2, np.array([True, False]), np.ma.masked]
)
def test_an_end_that_is_neither_true_nor_false_is_refused(
  monkeypatch: pytest.MonkeyPatch, value: Any
) -> None:
  monkeypatch.setattr(Odd, 'terminated', value)
  with pytest.raises(EnvironmentFault, match=r'step 1: terminated is .* true or false'):
    first_step()


@pytest.mark.parametrize('value', [True, np.bool_(True), 1, 1.0, np.array([True])])
def test_an_end_may_be_said_in_several_ways(
  monkeypatch: pytest.MonkeyPatch, value: Any
) -> None:
  monkeypatch.setattr(Odd, 'terminated', value)
  timestep = first_step()
  assert timestep.last() and timestep.discount == 0.0


@pytest.mark.parametrize(
  ('returned', 'got'),
  [
    ((0, 0.0, False), '3 values'),
    ((0, 0.0, False, False, {}, {}), 'more values'),
    (None, 'a NoneType'),
    (0.5, 'a float'),
  ],
)
def test_as_many_values_are_due_of_a_step_as_gymnasium_has(
  monkeypatch: pytest.MonkeyPatch, returned: Any, got: str
) -> None:
  monkeypatch.setattr(Odd, 'step', lambda self, action: returned)
  with pytest.raises(EnvironmentFault, match=f'step returned {got}: 5 are due'):
    first_step()
