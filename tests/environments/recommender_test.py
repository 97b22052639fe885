"""The recommender: clicks, time and drift by hand; its catalogue; its seeds."""

import dm_env
import numpy as np
import pytest
from absl.testing import absltest
from dm_env import test_utils

from qmle_acme.environments import make, recommender
from qmle_acme.errors import UserError


class RecommenderContractTest(test_utils.EnvironmentTestMixin, absltest.TestCase):
  """What dm_env asks of every environment."""

  def make_object_under_test(self) -> dm_env.Environment:
    return make('recommender:50', 0)


def user(interests: dict[int, float], care: float = 0.5) -> recommender.Recommender:
  """Returns a recommender whose user has such interests, all others 0."""
  environment = recommender.Recommender(100, seed=0)
  environment.reset()
  environment._interests = np.zeros(30, np.float32)
  for feature, interest in interests.items():
    environment._interests[feature] = interest
  environment._care = care
  return environment


def test_a_click_is_as_likely_as_the_match_of_interests_and_features() -> None:
  environment = user({0: 1.0, 1: -0.5})
  features = environment.action_spec().features
  assert features.shape == (100, 30) and np.abs(features).max() <= 1.0
  for item in range(20):
    match = float(features[item, 0] - 0.5 * features[item, 1])
    score = np.log1p(np.exp(match if match >= 0.0 else match - 1.5))
    assert environment.click_probability(item) == pytest.approx(score / (score + 2.0))


def test_a_click_takes_time_by_quality_and_moves_the_strongest_interest() -> None:
  environment = user({0: 1.0, 1: 0.5}, care=0.25)
  item = 7
  feature = environment.action_spec().features[item].copy()
  environment._consume(item)
  quality = environment._qualities[item]
  assert environment._time == pytest.approx(20.0 - 4.0 + 4.0 * 0.25 * quality)
  moved = np.array([1.0, 0.5]) + [
    pace * (feature[k] - old) for k, (pace, old) in enumerate([(1.0, 1.0), (0.5, 0.5)])
  ]
  away = 2.0 * np.array([1.0, 0.5]) - moved
  now = environment._interests
  np.testing.assert_array_equal(now[2:], 0.0)  # Of no interest, so unmoved.
  assert any(np.allclose(now[:2], np.clip(x, -1, 1), atol=1e-6) for x in (moved, away))


def test_who_never_clicks_leaves_after_twenty_steps_with_half_of_the_time() -> None:
  environment = user({0: 1.0})
  worst = int(np.argmin([environment.click_probability(i) for i in range(100)]))
  environment._random = np.random.default_rng(0)
  environment._random = _Always(0.999)  # type: ignore[assignment]
  steps = 0
  timestep = environment.step(worst)
  while not timestep.last():
    timestep = environment.step(worst)
    steps += 1
  assert steps == 19 and timestep.discount == 1.0
  assert timestep.observation[30] == pytest.approx(0.5)


def test_time_that_is_spent_ends_the_episode_with_discount_zero() -> None:
  environment = user({0: 1.0}, care=0.0)
  environment._random = _Always(0.0)  # type: ignore[assignment]
  rewards = []
  timestep = environment.step(0)
  while True:
    rewards.append(timestep.reward)
    if timestep.last():
      break
    timestep = environment.step(0)
  assert rewards == [1.0] * 5 and timestep.discount == 0.0


class _Always:
  """Draws one number."""

  def __init__(self, value: float):
    self._value = value

  def uniform(self) -> float:
    return self._value


def test_the_catalogue_is_one_for_all_seeds_and_users_are_not() -> None:
  first, second = make('recommender:60', 1), make('recommender:60', 2)
  np.testing.assert_array_equal(
    first.action_spec().features, second.action_spec().features
  )
  rows = [make('recommender:60', seed).reset().observation for seed in (1, 1, 2)]
  np.testing.assert_array_equal(rows[0], rows[1])
  assert not np.array_equal(rows[0], rows[2])


def test_categories_have_their_centres_and_qualities() -> None:
  environment = recommender.Recommender(20_000, seed=0)
  features = environment.action_spec().features
  # A feature's centre is 1 (or -1 in the second half) for one item in thirty.
  assert (features[:, 3] > 0.9).mean() == pytest.approx(1 / 30 * 0.61 + 0.005, abs=0.01)
  assert features[:, 20].min() == -1.0
  assert environment._qualities.min() < -3.0 < 3.0 < environment._qualities.max()


@pytest.mark.parametrize('items', ['1', '9999999'])
def test_too_few_or_too_many_items_are_refused(items: str) -> None:
  with pytest.raises(UserError, match=f'recommender:{items}: items must be from 2'):
    make(f'recommender:{items}', 0)
