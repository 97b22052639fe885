"""Control tasks: dm_env's contract, flattening, dtypes, seeds and ends of episodes."""

import copy

import dm_env
import numpy as np
import pytest
from absl.testing import absltest
from acme import specs as acme_specs
from dm_control import suite
from dm_env import test_utils

from qmle_acme.environments import control, make


class _Contract(test_utils.EnvironmentTestMixin):
  """What dm_env asks of every environment."""

  name: str

  def make_object_under_test(self) -> dm_env.Environment:
    return make(self.name, seed=0)


class CartpoleContractTest(_Contract, absltest.TestCase):
  name = 'control:cartpole:swingup'


class WalkerContractTest(_Contract, absltest.TestCase):
  name = 'control:walker:walk'


class ReacherContractTest(_Contract, absltest.TestCase):
  name = 'control:reacher:easy'


class DogContractTest(_Contract, absltest.TestCase):
  name = 'control:dog:walk'


class HumanoidCmuContractTest(_Contract, absltest.TestCase):
  name = 'control:humanoid_CMU:stand'


@pytest.mark.parametrize(
  ('name', 'observation', 'action'),
  [
    ('control:cartpole:swingup', 5, 1),
    ('control:walker:walk', 24, 6),
    ('control:reacher:easy', 6, 2),
    ('control:dog:walk', 223, 38),
    ('control:humanoid_CMU:stand', 137, 56),
  ],
)
def test_acme_spec_has_the_sizes_of_the_suite(
  name: str, observation: int, action: int
) -> None:
  spec = acme_specs.make_environment_spec(make(name, seed=0))
  assert spec.observations.shape == (observation,)
  assert spec.actions.shape == (action,)
  singles = (spec.observations, spec.rewards, spec.discounts)
  assert {single.dtype for single in singles} == {np.dtype(np.float32)}
  assert spec.actions.dtype == np.float64  # The environment's own.


def test_tasks_are_those_of_the_suite() -> None:
  expected = tuple(f'{domain}:{task}' for domain, task in suite.ALL_TASKS)
  assert control.names() == expected


def test_observation_is_the_vector_in_the_order_of_the_task() -> None:
  environment = make('control:walker:walk', seed=5)
  environment.reset()
  timestep = environment.step(np.linspace(-1.0, 1.0, 6))
  physics = environment.physics
  by_hand = [*physics.orientations(), physics.torso_height(), *physics.velocity()]
  np.testing.assert_array_equal(timestep.observation, np.array(by_hand, np.float32))


def test_is_the_bare_task_in_single_precision() -> None:
  bare = suite.load('reacher', 'easy', task_kwargs={'random': 11})
  environment = make('control:reacher:easy', seed=11)
  expected, actual = bare.reset(), environment.reset()
  for action in np.random.default_rng(0).uniform(-1.0, 1.0, size=(30, 2)):
    flat = np.concatenate([np.ravel(value) for value in expected.observation.values()])
    np.testing.assert_array_equal(actual.observation, flat.astype(np.float32))
    expected, actual = bare.step(action), environment.step(action)
    assert actual.reward == np.float32(expected.reward)


def _trajectory(name: str, seed: int) -> np.ndarray:
  """Returns the observations [T, O] of two short episodes of fixed actions."""
  environment = make(name, seed)
  spec = environment.action_spec()
  actions = np.random.default_rng(0).uniform(-1.0, 1.0, size=(20, *spec.shape))
  return np.stack(
    [
      timestep.observation
      for _ in range(2)
      for timestep in (environment.reset(), *map(environment.step, actions))
    ]
  )


@pytest.mark.parametrize('name', ['control:reacher:easy', 'control:dog:walk'])
def test_seed_decides_the_trajectory(name: str) -> None:
  first = _trajectory(name, seed=1)
  np.testing.assert_array_equal(first, _trajectory(name, seed=1))
  other = _trajectory(name, seed=2)
  assert not np.array_equal(first[0], other[0])
  assert not np.array_equal(first[0], first[21])  # A new episode is a new start.


def test_time_limit_is_not_a_termination() -> None:
  environment = make('control:cartpole:swingup', seed=0)
  timestep, steps = environment.reset(), 0
  while not timestep.last():
    timestep, steps = environment.step(np.zeros(1)), steps + 1
    assert timestep.discount == 1.0 and timestep.discount.dtype == np.float32
  assert steps == 1000


def test_termination_has_discount_zero() -> None:
  environment = make('control:lqr:lqr_2_1', seed=0)
  environment.reset()
  with environment.physics.reset_context():
    environment.physics.data.qpos[:] = 0.0  # At rest at the goal: the task is over.
  timestep = environment.step(np.zeros(1))
  assert timestep.last() and timestep.discount == 0.0


def test_task_without_a_limit_of_its_own_gets_one() -> None:
  environment = make('control:lqr:lqr_2_1', seed=0)
  timestep, steps = environment.reset(), 0
  while not timestep.last():
    timestep = environment.step(np.zeros(1))
    steps += 1
  assert steps == 1_000 and timestep.discount == 1.0


def test_task_that_needs_a_renderer_works_without_a_display(headless_gl: str) -> None:
  environment = make('control:quadruped:escape', seed=0)
  timestep = environment.reset()
  environment.observation_spec().validate(timestep.observation)
  environment.close()


def test_attributes_are_those_of_the_task_and_copies_work() -> None:
  environment = make('control:cartpole:swingup', seed=0)
  assert environment.control_timestep() == pytest.approx(0.01)
  with pytest.raises(AttributeError, match='no_such_thing'):
    _ = environment.no_such_thing
  assert copy.copy(environment).physics is environment.physics
