"""Actions that work only in balls: which they are, and what happens elsewhere."""

import numpy as np
import pytest
from absl.testing import absltest
from dm_env import specs, test_utils

from qmle_acme.environments import bandit, make, q3c, restricted
from qmle_acme.environments.balls import Balls
from qmle_acme.errors import UserError


class Echo(bandit.Bandit):
  """A bandit that keeps the action that it is given, within bounds of its own."""

  def __init__(self, low: float = -1.0, high: float = 3.0):
    super().__init__()
    self._spec = specs.BoundedArray((2,), np.float32, low, high, 'action')
    self.taken = np.zeros(0)

  def step(self, action: np.ndarray):  # type: ignore[no-untyped-def]
    self.taken = self._spec.validate(action)
    return super().step(np.zeros(2))

  def action_spec(self) -> specs.BoundedArray:
    return self._spec


class RestrictedContractTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
  """What dm_env asks of every environment."""

  def make_object_under_test(self) -> restricted.Restricted:
    return restricted.Restricted(bandit.Bandit(), share=0.3, seed=123)


@pytest.mark.parametrize('size', [1, 2, 6, 38])
@pytest.mark.parametrize('share', [0.1, 0.3, 0.8])
def test_the_balls_cover_the_share_that_was_asked_for(size: int, share: float) -> None:
  balls = Balls.covering(size, share, seed=123)
  assert balls.centres.shape == (33 * size, size)
  points = np.random.default_rng(5).uniform(size=(5_000, size))
  # Two samples of a share, of 20,000 and 5,000 points: four standard errors.
  assert balls.contain(points).mean() == pytest.approx(share, abs=0.032)


def test_balls_contain_what_is_within_their_radius_by_hand() -> None:
  balls = Balls(np.array([[0.2, 0.5], [0.8, 0.5]]), radius=0.1)
  points = np.array([[[0.2, 0.599], [0.2, 0.601]], [[0.7301, 0.5], [0.5, 0.5]]])
  assert balls.contain(points).tolist() == [[True, False], [True, False]]


def test_centres_are_those_that_others_draw_and_go_by_the_seed() -> None:
  expected = np.random.RandomState(123).random_sample((66, 2))
  np.testing.assert_array_equal(Balls.covering(2, 0.3, seed=123).centres, expected)
  other = Balls.covering(2, 0.3, seed=7)
  assert not np.array_equal(other.centres, expected)
  assert Balls.covering(2, 0.3, seed=7).radius == other.radius


@pytest.mark.parametrize(
  ('size', 'volume', 'radius'),
  [(1, 0.6 / 33 * 3, 0.3 / 11), (2, np.pi / 4, 0.5), (3, 4 / 3 * np.pi * 0.008, 0.2)],
)
def test_a_volume_makes_the_radius(size: int, volume: float, radius: float) -> None:
  assert Balls.of_volume(size, volume, seed=123).radius == pytest.approx(radius)


def test_valid_actions_are_handed_on_and_others_are_zero() -> None:
  echo = Echo()
  environment = restricted.Restricted(echo, share=0.3, seed=123)
  balls = Balls.covering(2, 0.3, seed=123)
  random = np.random.default_rng(0)
  seen = set()
  for action in random.uniform(-1.0, 3.0, (100, 2)).astype(np.float32):
    environment.reset()
    environment.step(action)
    # The unit box is the action box, shifted by 1 and a quarter as wide.
    is_valid = bool(balls.contain((action.astype(np.float64) + 1.0) / 4.0))
    np.testing.assert_array_equal(echo.taken, action if is_valid else [0.0, 0.0])
    assert environment.is_valid(action) == is_valid
    seen.add(is_valid)
  assert seen == {True, False}


def test_where_zero_is_out_of_bounds_the_nearest_action_is_taken() -> None:
  echo = Echo(low=0.5, high=1.0)
  environment = restricted.Restricted(echo, share=0.01, seed=123)
  environment.reset()
  environment.step(np.array([0.99, 0.51], np.float32))
  np.testing.assert_array_equal(echo.taken, [0.5, 0.5])


def test_the_same_name_is_the_same_task_whatever_the_seed_of_the_run() -> None:
  first, second = (make('restricted:0.3:synthetic:box:2', seed) for seed in (1, 2))
  other = make('restricted:0.3:7:synthetic:box:2', 1)
  actions = np.random.default_rng(0).uniform(-1, 1, (200, 2)).astype(np.float32)
  valid = [[e.is_valid(a) for a in actions] for e in (first, second, other)]
  assert valid[0] == valid[1] != valid[2]


@pytest.mark.parametrize(
  ('name', 'message'),
  [
    ('restricted:1.5:bandit:bimodal', '1.5 must be above 0 and below 1'),
    ('restricted:0:bandit:bimodal', '0 must be above 0 and below 1'),
    ('restricted:-1e-1:bandit:bimodal', '-1e-1 must be above 0 and below 1'),
    ('restricted:.5:9999999999:bandit:bimodal', 'bimodal: seed is 9999999999'),
    ('restricted:0.3:synthetic:discrete:9', 'its actions are no box'),
    ('restricted:0.3:bandit:bimodel', "unknown environment 'bandit:bimodel'"),
    ('restricted:0.3', "unknown environment 'restricted:0.3'; nearest: restricted"),
    ('q3c:Ant-v5', "unknown environment 'q3c:Ant-v5'; nearest: q3c:"),
  ],
)
def test_what_cannot_be_is_refused_in_one_line(name: str, message: str) -> None:
  with pytest.raises(UserError) as error:
    make(name, seed=0)
  assert message in str(error.value) and '\n' not in str(error.value)


def test_the_published_pendulum_is_pushed_by_minus_one_and_pays_minus_ten() -> None:
  environment = make('q3c:InvertedPendulum-v5', 0)
  with environment:
    assert isinstance(environment._environment, q3c.Published)
    centres = np.random.RandomState(123).random_sample(33)
    # The box is [-3, 3], a ball 0.3/11 of it to each side.
    actions = np.linspace(-3.0, 3.0, 601)
    distance = np.abs((actions[:, None] + 3.0) / 6.0 - centres).min(axis=1)
    invalid = actions[np.argmax(distance)].astype(np.float32).reshape(1)
    assert distance.max() > 0.3 / 11
    environment.reset()
    assert environment.step(invalid).reward == 1.0  # The first one is always valid.
    assert environment.step(invalid).reward == -10.0

    twin = make('gymnasium:InvertedPendulum-v5', 0)
    twin.reset()
    twin.step(invalid)
    pushed = twin.step(np.array([-1.0], np.float32))
    environment = make('q3c:InvertedPendulum-v5', 0)
    environment.reset()
    environment.step(invalid)
    observation = environment.step(invalid).observation
    np.testing.assert_array_equal(observation, pushed.observation)


def test_a_published_body_gets_zero_instead_and_is_as_before_otherwise() -> None:
  environment, twin = make('q3c:Hopper-v5', 3), make('gymnasium:Hopper-v5', 3)
  with environment, twin:
    np.testing.assert_array_equal(
      environment.reset().observation, twin.reset().observation
    )
    rewards = set()
    for action in np.random.default_rng(0).uniform(-1, 1, (30, 3)).astype(np.float32):
      timestep = environment.step(action)
      is_valid = timestep.reward != -10.0
      other = twin.step(action if is_valid else np.zeros(3, np.float32))
      np.testing.assert_array_equal(timestep.observation, other.observation)
      assert not is_valid or timestep.reward == other.reward
      rewards.add(is_valid)
      if timestep.last():
        break
    assert rewards == {True, False}
