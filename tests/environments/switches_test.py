"""Switches and dials: rewards by hand, episodes, seeds, what is refused."""

import dm_env
import numpy as np
import pytest
from absl.testing import absltest
from dm_env import test_utils

from qmle_acme.environments import make, switches
from qmle_acme.errors import UserError


class SwitchesContractTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
  """What dm_env asks of every environment."""

  def make_object_under_test(self) -> dm_env.Environment:
    return make('switches:12x2', 0)


def wanted(observation: np.ndarray, count: int) -> dict[str, np.ndarray]:
  on = (observation[:count] > 0.0).astype(np.int8)
  return {'switches': on, 'dials': observation[count:]}


def test_an_episode_of_wanted_settings_has_the_best_return() -> None:
  environment = switches.Switches(12, 2, seed=3)
  timestep, total, steps = environment.reset(), 0.0, 0
  while not timestep.last():
    timestep = environment.step(wanted(timestep.observation, 12))
    total += timestep.reward
    steps += 1
  assert (total, steps, timestep.discount) == (20.0, 20, 1.0)
  assert environment.optimal_return == 20.0


def test_a_reward_is_the_share_of_switches_times_how_near_the_dials_are() -> None:
  environment = switches.Switches(4, 2, seed=0)
  action = wanted(environment.reset().observation, 4)
  action['switches'][0] = 1 - action['switches'][0]
  action['dials'] = action['dials'] + np.array([0.3, -0.1])
  assert environment.step(action).reward == pytest.approx(0.75 * (1.0 - 0.5 * 0.2))


def test_a_random_setting_is_worth_a_third() -> None:
  environment, random = switches.Switches(12, 2, seed=0), np.random.default_rng(1)
  rewards = []
  for _ in range(2_000):
    environment.reset()
    action = {'switches': random.integers(0, 2, 12), 'dials': random.uniform(-1, 1, 2)}
    rewards.append(environment.step(action).reward)
  assert np.mean(rewards) == pytest.approx(1.0 / 3.0, abs=0.015)


def test_seeds_decide_what_is_wanted() -> None:
  first, same, other = (make('switches:5x0', seed).reset() for seed in (1, 1, 2))
  np.testing.assert_array_equal(first.observation, same.observation)
  assert not np.array_equal(first.observation, other.observation)
  assert set(make('switches:0x3', 0).action_spec()) == {'dials'}


@pytest.mark.parametrize('name', ['switches:0x0', 'switches:150x51'])
def test_too_many_or_none_are_refused(name: str) -> None:
  with pytest.raises(UserError, match='must be from 1 to 200 together'):
    make(name, 0)
