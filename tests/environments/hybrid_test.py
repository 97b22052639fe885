"""Platform and Goal: their rules by hand, what their seeds decide, their contracts."""

import cmath
import math
from typing import Any

import dm_env
import gymnasium
import numpy as np
import pytest
from absl.testing import absltest
from dm_env import test_utils

from qmle_acme.environments import goal, make, platform, soccer


class NoNoise:
  """Draws the middle of whatever it is asked for."""

  def normal(self, mean: float, scale: float, size: int | None = None) -> Any:
    return mean if size is None else np.full(size, mean)

  def uniform(self, low: float, high: float, size: int | None = None) -> Any:
    middle = 0.5 * (low + high)
    return middle if size is None else np.full(size, middle)


def quiet(environment: Any) -> Any:
  environment.reset(seed=0)
  environment.np_random = NoNoise()
  environment.reset()
  return environment


def move(kind: int, **parameters: float) -> dict[str, Any]:
  every = {'run': 0.0, 'hop': 0.0, 'leap': 0.0} | parameters
  return {'action': kind} | {n: np.array([x], np.float32) for n, x in every.items()}


class PlatformContractTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
  """What dm_env asks of every environment."""

  def make_object_under_test(self) -> dm_env.Environment:
    return make('hybrid:platform', 0)

  def make_action_sequence(self) -> Any:
    for i in range(60):
      yield move(i % 3, run=20.0, hop=100.0, leap=300.0)


class GoalContractTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
  """What dm_env asks of every environment."""

  def make_object_under_test(self) -> dm_env.Environment:
    return make('hybrid:goal', 0)

  def make_action_sequence(self) -> Any:
    for i in range(20):
      yield kick(i % 3, [10.0, 3.0], 5.0)


def kick(kind: int, to: list[float], height: float = 0.0) -> dict[str, Any]:
  return {
    'action': kind,
    'kick_to': np.array(to, np.float32),
    'shoot_left': np.array([height], np.float32),
    'shoot_right': np.array([height], np.float32),
  }


def test_a_run_adds_speed_in_every_frame_up_to_the_fastest() -> None:
  environment = quiet(platform.Platform())
  _, reward, is_over, _, info = environment.step(move(platform.RUN, run=2.0))
  place = speed = 0.0
  for _ in range(20):
    speed = min(speed + 2.0, 70.0)
    place += speed * 0.05
    speed *= 0.99
  assert reward == pytest.approx(place / 1_035.0)
  assert info['frames'] == 20 and not is_over


def test_a_leap_flies_for_five_seconds_and_lands() -> None:
  environment = quiet(platform.Platform())
  # Up at 25, so down again after 2 x 25 / 9.8 seconds; it loses 1 % of speed a frame.
  observation, reward, is_over, _, info = environment.step(move(2, leap=100.0))
  frames = info['frames']
  assert abs(frames * 0.05 - 2 * 25.0 / 9.8) < 0.11
  speed = 100.0 / (2 * 25.0 / 9.8 + 1.0)
  way = sum(speed * 0.05 * 0.99**k for k in range(frames))
  assert reward == pytest.approx(way / 1_035.0, rel=1e-4)
  assert not is_over and observation[1] == pytest.approx(-1.0)  # It stands still.


def test_who_stands_is_met_by_the_enemy() -> None:
  environment = quiet(platform.Platform())
  # It starts 230 away and comes at 30 a second: 7 runs of nowhere, and it is here.
  steps = 0
  is_over = False
  while not is_over:
    _, reward, is_over, _, _ = environment.step(move(platform.RUN))
    steps += 1
    assert reward == 0.0
  assert steps == math.ceil((230.0 - 20.0) / 30.0 + 0.01)


def test_who_leaps_without_a_run_up_falls_into_the_gap() -> None:
  environment = quiet(platform.Platform())
  environment._x, environment._enemies[0].x = 245.0, 50.0
  # A jump adds a speed of 30 at most: 30 x 0.05 x (1 + 0.99 + ... + 0.99^101) = 96.
  _, reward, is_over, _, _ = environment.step(move(platform.LEAP, leap=430.0))
  assert is_over and 1_035.0 * reward == pytest.approx(96.0, abs=2.0)


def test_with_a_run_up_the_gap_is_crossed() -> None:
  environment = quiet(platform.Platform())
  environment._x, environment._speed = 240.0, 60.0
  environment._enemies[0].x, environment._enemies[1].x = 50.0, 700.0
  _, reward, is_over, _, _ = environment.step(move(platform.LEAP, leap=430.0))
  assert not is_over and environment._x > 455.0 and reward > 215.0 / 1_035.0


def test_returns_add_up_to_the_share_of_the_way_and_seeds_decide_all() -> None:
  runs = []
  for seed in (1, 1, 2):
    environment = platform.Platform()
    observation, _ = environment.reset(seed=seed)
    environment.action_space.seed(5)
    rows, total, is_over = [observation], 0.0, False
    while not is_over:
      observation, reward, is_over, _, _ = environment.step(
        environment.action_space.sample()
      )
      rows.append(observation)
      total += reward
    assert total == pytest.approx(environment._x / 1_035.0)
    runs.append(np.concatenate(rows))
  np.testing.assert_array_equal(runs[0], runs[1])
  assert not np.array_equal(runs[0], runs[2])


def test_a_kick_is_so_strong_that_the_ball_stops_at_its_target() -> None:
  random: Any = NoNoise()
  player, ball = soccer.make_player(0j, 0.0), soccer.make_ball(1.0 + 0j)
  player.kick(ball, 3.0 + 4.0j, random)
  # (1 - 0.94) of the way from the player, along the angle to the target.
  assert ball.velocity == pytest.approx(0.06 * (3.0 + 4.0j))


def test_a_kick_is_never_stronger_than_its_power_and_control() -> None:
  random: Any = NoNoise()
  player, ball = soccer.make_player(0j, math.pi / 2), soccer.make_ball(0.8 + 0j)
  player.kick(ball, 100.0 + 0j, random)
  # It faces a quarter turn away, at half the reach: 1 - 0.125 - 0.125.
  assert ball.velocity.real == pytest.approx(0.027 * 100.0 * 0.75)


def test_the_keeper_goes_straight_to_the_line_of_a_shot() -> None:
  random: Any = NoNoise()
  keeper = soccer.make_player(16.0 + 0j, 0.0)
  ball = soccer.make_ball(10.0 - 2.0j)
  ball.velocity = 1.0 + 0.5j  # It would end far behind the goal line.
  keeper.guard(ball, random)
  # The line's point nearest to the keeper is at 16 + 0i - (0.8 - 1.6i) * k.
  line = 10.0 - 2.0j + (1.0 + 0.5j) * (6.0 + 0.5 * 2.0) / 1.25
  assert keeper.velocity == pytest.approx(
    cmath.rect(0.006 * 20.0, cmath.phase(line - 16.0))
  )


def test_a_ball_out_of_the_pitch_costs_its_distance_from_the_goal() -> None:
  environment = quiet(goal.Goal())
  environment._ball.position = 19.9 + 11.0j
  environment._ball.velocity = 2.0 + 0j
  environment._keeper.position = 15.0 - 9.0j
  _, reward, is_over, _, _ = environment.step(kick(goal.KICK, [20.0, 15.0]))
  assert is_over and reward == pytest.approx(-(11.0 - 7.01))


def test_a_goal_is_fifty() -> None:
  environment = quiet(goal.Goal())
  environment._ball.position, environment._ball.velocity = 19.0 + 5.0j, 2.0 + 0j
  environment._keeper.position = 15.0 - 5.0j
  _, reward, is_over, _, _ = environment.step(kick(goal.SHOOT_LEFT, [0.0, 0.0], 5.0))
  assert is_over and reward == 50.0


def test_a_kick_goes_to_its_point_and_as_released_to_the_diagonal() -> None:
  for is_as_released, target in ((False, 12.0 + 6.0j), (True, 12.0 + 12.0j)):
    environment = quiet(goal.Goal(is_as_released))
    assert environment._target(kick(goal.KICK, [12.0, 6.0])) == target


def test_the_hundredth_action_of_an_episode_is_its_last() -> None:
  environment = quiet(goal.Goal())
  environment._actions = 99
  _, reward, is_over, _, info = environment.step(kick(goal.KICK, [5.0, 0.0]))
  assert is_over and info['cycles'] == 0 and reward < -10.0


def test_goal_is_a_function_of_its_seed() -> None:
  def play(seed: int) -> np.ndarray:
    environment = goal.Goal()
    observation, _ = environment.reset(seed=seed)
    after = environment.step(kick(goal.KICK, [12.0, 6.0]))[0]
    return np.concatenate([observation, after])

  np.testing.assert_array_equal(play(3), play(3))
  assert not np.array_equal(play(3), play(4))


@pytest.mark.parametrize('name', ['Platform-v0', 'Goal-v0', 'GoalReleased-v0'])
def test_gymnasium_knows_them_and_finds_nothing_wrong(name: str) -> None:
  make('hybrid:platform', 0).close()  # Its import registers them.
  from gymnasium.utils import env_checker

  env_checker.check_env(
    gymnasium.make(f'qmle_acme/{name}').unwrapped, skip_render_check=True
  )
