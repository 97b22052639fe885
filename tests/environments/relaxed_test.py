"""Any action space as one box: what its points stand for, and what is refused."""

from typing import Any

import dm_env
import numpy as np
import pytest
from absl.testing import absltest
from dm_env import specs, test_utils

from qmle_acme.actions import ItemArray
from qmle_acme.environments import bandit, make, relaxed
from qmle_acme.errors import UserError


class Echo(bandit.Bandit):
  """A bandit with any action spec, that keeps what it is given."""

  def __init__(self, spec: Any):
    super().__init__()
    self._spec = spec
    self.taken: Any = None

  def step(self, action: Any) -> dm_env.TimeStep:
    self.taken = action
    return super().step(np.zeros(2))

  def action_spec(self) -> Any:
    return self._spec


class RelaxedContractTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
  """What dm_env asks of every environment."""

  def make_object_under_test(self) -> dm_env.Environment:
    return make('relaxed:switches:3x2', 0)


def test_its_own_form_of_an_action_is_the_point() -> None:
  environment = make('relaxed:hybrid:platform', 0)
  point = environment.action_spec().minimum
  np.testing.assert_array_equal(environment.to_own(point), point)
  np.testing.assert_array_equal(environment.from_own(point), point)


def test_the_highest_score_is_taken_and_floats_come_first() -> None:
  echo = Echo(
    {
      'a': specs.BoundedArray((2,), np.int8, 3, 5, 'a'),
      'b': specs.BoundedArray((1, 2), np.float64, [-2.0, 0.0], [0.0, 7.0], 'b'),
      'c': specs.DiscreteArray(2, np.int64, 'c'),
    }
  )
  environment = relaxed.Relaxed(echo)
  spec = environment.action_spec()
  assert spec.shape == (2 + 3 + 3 + 2,) and spec.dtype == np.float32
  np.testing.assert_array_equal(spec.minimum, [-2.0, 0.0] + [-1.0] * 8)
  np.testing.assert_array_equal(spec.maximum, [0.0, 7.0] + [1.0] * 8)
  environment.reset()
  point = [-1.5, 6.0, -0.9, -0.8, -1.0, 0.1, 0.0, 0.3, 0.5, 0.5]
  environment.step(np.array(point, np.float32))
  np.testing.assert_array_equal(echo.taken['a'], [4, 5])
  np.testing.assert_array_equal(echo.taken['b'], [[-1.5, 6.0]])
  assert echo.taken['c'] == 0  # Of equal scores the first.
  for key, leaf in echo.action_spec().items():
    leaf.validate(echo.taken[key])


def test_the_nearest_item_is_taken() -> None:
  features = np.array([[0.0, 1.0], [2.0, 1.0], [1.0, 3.0]])
  echo = Echo(ItemArray(features))
  environment = relaxed.Relaxed(echo)
  np.testing.assert_array_equal(environment.action_spec().minimum, [0.0, 1.0])
  np.testing.assert_array_equal(environment.action_spec().maximum, [2.0, 3.0])
  for point in np.random.default_rng(0).uniform([0, 1], [2, 3], (50, 2)):
    environment.reset()
    environment.step(point.astype(np.float32))
    assert echo.taken == np.square(features - point).sum(axis=1).argmin()


def test_every_point_is_an_action_of_the_other_environment() -> None:
  environment = make('relaxed:hybrid:platform', 0)
  assert environment.action_spec().shape == (6,)
  timestep = environment.reset()
  spec = environment.action_spec()
  for point in np.random.default_rng(1).uniform(spec.minimum, spec.maximum, (20, 6)):
    timestep = environment.step(point.astype(np.float32))
  assert timestep.observation.shape == (8,)


def test_so_many_values_that_no_box_holds_them_are_refused() -> None:
  with pytest.raises(UserError, match='relaxed:synthetic:discrete:9999: its indices'):
    make('relaxed:synthetic:discrete:9999', 0)
