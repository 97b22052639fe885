"""The bandit: its reward at points worked out by hand, its optimum, its episodes."""

import math

import numpy as np
import pytest
from absl.testing import absltest
from acme import specs as acme_specs
from dm_env import test_utils

from qmle_acme.environments import bandit, make


class BanditContractTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
  """What dm_env asks of every environment."""

  def make_object_under_test(self) -> bandit.Bandit:
    return bandit.Bandit()


def test_reward_at_points_worked_out_by_hand() -> None:
  on_narrow_side = (0.5 + 0.15, 0.5)  # One width away from the narrow centre.
  on_wide_side = (-0.4, -0.4 - 2 * 0.5)  # Two widths away from the wide centre.
  actions = np.array([(0.5, 0.5), on_narrow_side, (-0.4, -0.4), on_wide_side])
  expected = [1.0, math.exp(-0.5), 0.7, 0.7 * math.exp(-2.0)]
  np.testing.assert_allclose(bandit.reward(actions), expected, rtol=1e-12)


def test_reward_keeps_leading_dimensions() -> None:
  actions = np.random.default_rng(0).uniform(-1.0, 1.0, size=(3, 5, 2))
  rewards = bandit.reward(actions)
  assert rewards.shape == (3, 5)
  assert rewards[2, 4] == bandit.reward(actions[2, 4])


def test_declared_optimum_is_that_of_a_grid() -> None:
  environment = bandit.Bandit()
  axis = np.linspace(-1.0, 1.0, 401)  # Holds 0.5 and -0.4, to a rounding.
  grid = np.stack(np.meshgrid(axis, axis, indexing='ij'), axis=-1)  # [401, 401, 2]
  rewards = bandit.reward(grid)
  best = np.unravel_index(np.argmax(rewards), rewards.shape)
  np.testing.assert_allclose(grid[best], environment.optimal_action, atol=1e-6)
  assert rewards[best] == pytest.approx(environment.optimal_reward, abs=1e-6)


def test_gradient_from_most_of_the_box_leads_to_the_wide_mode() -> None:
  axis = np.linspace(-1.0, 1.0, 101)
  grid = np.stack(np.meshgrid(axis, axis), axis=-1)
  leads_to_narrow = bandit.NARROW(grid) > bandit.WIDE(grid)
  assert 0.05 < np.mean(leads_to_narrow) < 0.2


def test_episode_is_one_step_that_ends_with_discount_zero() -> None:
  environment = make('bandit:bimodal', seed=3)
  first = environment.reset()
  assert first.first() and first.reward is None and first.discount is None
  last = environment.step(np.array([0.5, 0.5], np.float32))
  assert last.last() and last.reward == 1.0 and last.discount == 0.0
  assert last.reward.dtype == last.discount.dtype == np.float32
  np.testing.assert_array_equal(last.observation, first.observation)
  assert environment.step(np.zeros(2, np.float32)).first()


def test_makes_an_acme_spec() -> None:
  spec = acme_specs.make_environment_spec(make('bandit:bimodal', seed=0))
  assert spec.observations.shape == (1,) and spec.observations.dtype == np.float32
  np.testing.assert_array_equal(spec.actions.minimum, -1.0)
  np.testing.assert_array_equal(spec.actions.maximum, 1.0)
  assert spec.actions.shape == (2,)
