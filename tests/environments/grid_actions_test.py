"""Actions on a grid: which points they are, and what is refused."""

import dm_env
import numpy as np
import pytest
from absl.testing import absltest
from dm_env import specs, test_utils

from qmle_acme.environments import bandit, grid, make
from qmle_acme.errors import UserError


class Echo(bandit.Bandit):
  """A bandit that keeps its action, of two axes with bounds of their own."""

  taken = np.zeros(0)

  def step(self, action: np.ndarray) -> dm_env.TimeStep:
    self.taken = action
    return super().step(action)

  def action_spec(self) -> specs.BoundedArray:
    return specs.BoundedArray((2,), np.float32, [-1.0, 0.1], [1.0, 0.7], 'action')


class GridContractTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
  """What dm_env asks of every environment."""

  def make_object_under_test(self) -> grid.Grid:
    return grid.Grid(bandit.Bandit(), points=3)


def test_integers_are_points_from_the_low_to_the_high_end() -> None:
  echo = Echo()
  environment = grid.Grid(echo, points=4)
  assert environment.action_spec() == specs.BoundedArray((2,), np.int32, 0, 3, 'action')
  for action, point in (
    ([0, 0], [-1.0, 0.1]),
    ([3, 3], [1.0, 0.7]),
    ([1, 2], [-1 / 3, 0.5]),
  ):
    environment.reset()
    environment.step(np.array(action, np.int32))
    np.testing.assert_allclose(echo.taken, point, rtol=1e-6)
    assert echo.taken.dtype == np.float32
    echo.action_spec().validate(echo.taken)


def test_everything_else_is_that_of_the_other_environment() -> None:
  environment, other = make('grid:3:synthetic:box:2', 5), make('synthetic:box:2', 5)
  first, second = environment.reset(), other.reset()
  np.testing.assert_array_equal(first.observation, second.observation)
  reward = environment.step(np.array([2, 1])).reward
  assert reward == other.step(np.array([1.0, 0.0], np.float32)).reward


@pytest.mark.parametrize(
  ('name', 'message'),
  [
    ('grid:1:bandit:bimodal', 'grid:1:bandit:bimodal: 1 must be from 2 to 1,000'),
    ('grid:3:synthetic:hybrid', 'are no bounded box: use synthetic:hybrid'),
    ('grid:3:synthetic:discrete:9', 'no bounded box: use synthetic:discrete:9'),
    ('grid:3:bandit:bimodel', "unknown environment 'bandit:bimodel'; nearest: bandit"),
    ('grid:bandit:bimodal', "unknown environment 'grid:bandit:bimodal'; nearest: "),
  ],
)
def test_what_cannot_be_is_refused_in_one_line(name: str, message: str) -> None:
  with pytest.raises(UserError) as error:
    make(name, seed=0)
  assert message in str(error.value) and '\n' not in str(error.value)
