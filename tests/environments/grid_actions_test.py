"""Actions on a grid: which points they are, and what is refused."""

import dm_env
import numpy as np
import pytest
from absl.testing import absltest
from dm_env import specs, test_utils
from numpy.typing import ArrayLike

from qmle_acme.environments import bandit, grid, make
from qmle_acme.errors import UserError

_NO_BOX = 'its actions are no box: use the environment without a grid'


class Echo(bandit.Bandit):
  """A bandit that keeps its action, of axes with bounds of their own."""

  def __init__(self, low: ArrayLike, high: ArrayLike, dtype: type = np.float32):
    super().__init__()
    self._spec = specs.BoundedArray(np.shape(low), dtype, low, high, 'action')
    self.taken = np.zeros(0)

  def step(self, action: np.ndarray) -> dm_env.TimeStep:
    self.taken = self._spec.validate(action)
    return super().step(np.zeros(2))

  def action_spec(self) -> specs.BoundedArray:
    return self._spec


class GridContractTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
  """What dm_env asks of every environment."""

  def make_object_under_test(self) -> grid.Grid:
    return grid.Grid(bandit.Bandit(), points=3)


def test_integers_are_points_from_the_low_to_the_high_end() -> None:
  echo = Echo([-1.0, 0.1], [1.0, 0.7])
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


def test_a_box_of_any_shape_has_one_integer_per_dimension_of_some_width() -> None:
  # A mean of 0.1 and 0.1, with weights, is not always 0.1.
  echo = Echo([[-1.0, 0.1], [2.0, 0.1]], [[1.0, 0.1], [7.0, 0.35]], np.float64)
  environment = grid.Grid(echo, points=6)
  assert environment.action_spec() == specs.BoundedArray((3,), np.int32, 0, 5, 'action')
  for i in range(6):
    environment.reset()
    environment.step(np.full(3, i))
    expected = [[-1.0 + 0.4 * i, 0.1], [2.0 + i, 0.1 + 0.05 * i]]
    np.testing.assert_allclose(echo.taken, expected, rtol=1e-6)
    assert echo.taken[0, 1] == 0.1


@pytest.mark.parametrize(
  ('high', 'message'), [(np.inf, 'TransformAction'), (0.0, 'allows one action alone')]
)
def test_a_box_without_points_is_refused(high: float, message: str) -> None:
  with pytest.raises(UserError, match=message):
    grid.Grid(Echo([0.0, 0.0], [0.0, high]), points=3)


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
    ('grid:3:synthetic:hybrid', f'grid:3:synthetic:hybrid: {_NO_BOX}'),
    ('grid:3:synthetic:discrete:9', _NO_BOX),
    ('grid:3:bandit:bimodel', "unknown environment 'bandit:bimodel'; nearest: bandit"),
    ('grid:bandit:bimodal', "unknown environment 'grid:bandit:bimodal'; nearest: "),
  ],
)
def test_what_cannot_be_is_refused_in_one_line(name: str, message: str) -> None:
  with pytest.raises(UserError) as error:
    make(name, seed=0)
  assert message in str(error.value) and '\n' not in str(error.value)
