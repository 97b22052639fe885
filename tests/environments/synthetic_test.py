"""Synthetic problems: rewards worked out by hand, optima, kinds of actions, names."""

import math
from typing import Any

import numpy as np
import pytest
from absl.testing import absltest
from acme import specs as acme_specs
from dm_env import specs, test_utils

from qmle_acme.environments import make, synthetic
from qmle_acme.errors import UserError

NAMES = (
  'discrete:2',
  'discrete:1000000000',
  'box:1',
  'box:200',
  'box:3:rugged:1',
  'multidiscrete:4x10',
  'hybrid',
  'hybrid:rugged:0.5',
  'multidiscrete:3x7:mirrored:rugged:0.5',
)


class SyntheticContractTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
  """What dm_env asks of every environment."""

  def make_object_under_test(self) -> synthetic.Synthetic:
    return synthetic.make('hybrid', seed=0)

  def make_action(self) -> Any:
    return tuple(s.generate_value() for s in self.environment.action_spec())


def sample(problem: synthetic.Synthetic, random: np.random.Generator) -> Any:
  """Returns a uniformly random action."""

  def draw(spec: specs.BoundedArray) -> np.ndarray:
    if np.issubdtype(spec.dtype, np.integer):
      return random.integers(spec.minimum, spec.maximum + 1, spec.shape)
    return random.uniform(spec.minimum, spec.maximum, spec.shape).astype(spec.dtype)

  spec = problem.action_spec()
  return tuple(map(draw, spec)) if isinstance(spec, tuple) else draw(spec)


def test_landscape_at_distances_worked_out_by_hand() -> None:
  distances = np.array([0.0, 0.15, -0.5, 1.0, -1.0, 1.5])
  smooth = np.exp([0.0, -0.045, -0.5, -2.0, -2.0, -4.5])
  np.testing.assert_allclose(synthetic.landscape(distances, 0.0), smooth)
  # The peak is 0.15 wide; the decoys at 1 are 0.8 high and 0.5 wide.
  rugged = [1.0, math.exp(-0.5), 0.8 * math.exp(-0.5), 0.8, 0.8, 0.8 * math.exp(-0.5)]
  np.testing.assert_allclose(synthetic.landscape(distances, 1.0), rugged)
  half = synthetic.landscape(np.array([0.325, 1.0]), 0.5)
  np.testing.assert_allclose(half, [math.exp(-0.5), 0.4])


def test_rewards_worked_out_by_hand() -> None:
  observation = np.array([0.5, -1.0])
  # The first coordinate goes by o_1 alone: c = 0.8 * 0.5.
  box = synthetic.make('box:1', seed=0)
  assert box.optimal_action(observation) == np.float32(0.4)
  assert box.reward(observation, [0.9]) == pytest.approx(math.exp(-0.5), abs=1e-6)
  # Of the eleven points -1, -0.8, ..., 1 the one at 0.4 is the eighth.
  line = synthetic.make('discrete:11', seed=0)
  assert line.optimal_action(observation) == 7
  assert line.reward(observation, 7) == 1.0
  assert line.reward(observation, 4) == pytest.approx(math.exp(-2 * 0.6**2))
  # The second coordinate, by the golden angle: cos = -0.7374, sin = 0.6755.
  second = 0.8 * (0.5 * -0.7374 - 1.0 * 0.6755) / (0.7374 + 0.6755)
  pair = synthetic.make('box:2', seed=0).optimal_action(observation)
  np.testing.assert_allclose(pair, [0.4, second], atol=1e-4)


@pytest.mark.parametrize('name', NAMES)
def test_no_action_beats_the_optimum(name: str) -> None:
  problem = synthetic.make(name, seed=1)
  random = np.random.default_rng(2)
  for _ in range(20):
    observation = problem.reset().observation
    best = problem.optimal_action(observation)
    assert problem.reward(observation, best) == pytest.approx(1.0, abs=1e-6)
    assert float(problem.step(best).reward) == pytest.approx(1.0, abs=1e-6)
    rewards = [problem.reward(observation, sample(problem, random)) for _ in range(50)]
    assert min(rewards) >= 0.0 and max(rewards) <= 1.0


def test_the_optimum_depends_on_the_observation_and_stays_inside() -> None:
  problem = synthetic.make('box:200', seed=0)
  corners = [np.array([x, y], np.float32) for x in (-1, 1) for y in (-1, 1)]
  best = np.stack([problem.optimal_action(corner) for corner in corners])
  assert np.abs(best).max() == pytest.approx(0.8)
  assert (best.std(axis=0) > 0.3).all()


def test_a_mirrored_problem_has_two_optima_and_mixing_them_is_half_right() -> None:
  problem = synthetic.make('box:2:mirrored', seed=0)
  observation = np.array([0.5, 0.0])
  x, y = best = problem.optimal_action(observation)
  assert problem.reward(observation, best) == pytest.approx(1.0)
  assert problem.reward(observation, -best) == pytest.approx(1.0)
  # One coordinate is right and the other off by twice its distance from the middle.
  expected = 0.5 + 0.5 * math.exp(-8.0 * min(x**2, y**2))
  assert problem.reward(observation, [x, -y]) == pytest.approx(expected, abs=1e-6)


def test_neighbours_of_a_billion_are_rewarded_alike() -> None:
  problem = synthetic.make('discrete:1000000000', seed=0)
  observation = np.zeros(2, np.float32)
  best = int(problem.optimal_action(observation))
  assert best in (499_999_999, 500_000_000)
  assert problem.reward(observation, best + 1_000) == pytest.approx(1.0, abs=1e-9)
  assert problem.reward(observation, 0) == pytest.approx(math.exp(-2.0))


def test_seed_draws_the_observations() -> None:
  def observations(seed: int) -> np.ndarray:
    problem = make('synthetic:box:2', seed=seed)
    return np.stack([problem.reset().observation for _ in range(5)])

  np.testing.assert_array_equal(observations(3), observations(3))
  assert not np.array_equal(observations(3), observations(4))


def test_an_episode_is_one_step_that_ends_with_discount_zero() -> None:
  problem = make('synthetic:discrete:5', seed=0)
  assert problem.reset().first()
  last = problem.step(3)
  assert last.last() and last.discount == 0.0
  assert last.reward.dtype == last.discount.dtype == np.float32
  assert problem.step(3).first()


def test_kinds_of_action_specs() -> None:
  discrete, box, many, hybrid = (
    acme_specs.make_environment_spec(make(f'synthetic:{name}', seed=0)).actions
    for name in ('discrete:1000000000', 'box:200', 'multidiscrete:4x10', 'hybrid')
  )
  assert isinstance(discrete, specs.DiscreteArray)
  assert discrete.num_values == 1_000_000_000
  assert box.shape == (200,) and box.dtype == np.float32
  assert many.shape == (4,) and many.dtype == np.int32 and many.maximum == 9
  assert isinstance(hybrid[0], specs.DiscreteArray) and hybrid[1].shape == (2,)


@pytest.mark.parametrize(
  ('name', 'message'),
  [
    ('box:0', 'synthetic:box:0: 0 must be from 1 to 200'),
    ('box:201', 'synthetic:box:201: 201 must be from 1 to 200'),
    ('discrete:1', 'synthetic:discrete:1: 1 must be from 2 to 1,000,000,000'),
    ('discrete:1000000001', 'must be from 2 to 1,000,000,000'),
    ('multidiscrete:3x1', 'synthetic:multidiscrete:3x1: 1 must be from 2 to'),
    ('box:3:rugged:1.5', 'rugged is 1.5: it must be at most 1'),
    ('box', "unknown environment 'synthetic:box'; nearest: synthetic:box:8"),
    ('hybrid:3', "unknown environment 'synthetic:hybrid:3'; nearest: synthetic:hybrid"),
  ],
)
def test_wrong_names_get_one_line(name: str, message: str) -> None:
  with pytest.raises(UserError) as error:
    make(f'synthetic:{name}', seed=0)
  assert message in str(error.value)
