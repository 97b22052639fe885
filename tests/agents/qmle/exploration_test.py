"""How much each of several actors explores."""

import numpy as np
import pytest

from qmle_acme.agents.qmle.exploration import Exploration, ladder


@pytest.mark.parametrize(
  ('epsilon', 'exponent', 'expected'),
  [
    (0.1, 1.0, [0.1, 0.1**1.5, 0.01]),
    (0.4, 7.0, [0.4, 0.4**4.5, 0.4**8]),  # As in Ape-X.
    (0.1, 0.0, [0.1, 0.1, 0.1]),
    (0.0, 1.0, [0.0, 0.0, 0.0]),
    (1.0, 1.0, [1.0, 1.0, 1.0]),
  ],
)
def test_ladder_of_three(
  epsilon: float, exponent: float, expected: list[float]
) -> None:
  rungs = [ladder(epsilon, exponent, index, 3) for index in range(3)]
  assert rungs == pytest.approx(expected)


def test_a_lone_actor_explores_with_epsilon_itself() -> None:
  assert ladder(0.1, 7.0, 0, 1) == 0.1


@pytest.mark.parametrize('epsilon', [0.0, 0.1, 0.5, 1.0])
@pytest.mark.parametrize('steps', [1, 2, 10])
@pytest.mark.parametrize('length', [1, 3, 40])
def test_epsilon_is_the_share_of_steps_that_explore_whatever_an_episode_lasts(
  epsilon: float, steps: int, length: int
) -> None:
  exploration, random = Exploration(epsilon, steps), np.random.default_rng(1)
  episodes = 8_000 // length
  explored = np.zeros([episodes, length])
  for episode in explored:
    left = exploration.under_way(random)
    for i in range(length):
      if not left and random.random() < exploration.start:
        left = steps
      episode[i] = left > 0
      left = max(left - 1, 0)
  # At every step: the first ones are no exception. Deviations 0.005 and 0.035 at most.
  assert explored.mean() == pytest.approx(epsilon, abs=0.05)
  assert explored.mean(axis=0) == pytest.approx(np.full(length, epsilon), abs=0.15)


def test_a_share_of_the_episodes_after_one_without_reward_explores_widely() -> None:
  random = np.random.default_rng(0)
  mixed = Exploration(0.1, from_predictors=0.2, wide_episodes=0.25, wide_steps=6)

  episodes = [mixed.of_episode(random, follows_reward=False) for _ in range(1_000)]

  wide = Exploration(0.5, steps=6)  # Uniform actions alone.
  assert set(episodes) == {mixed, wide}
  # Deviation 14.
  assert episodes.count(wide) == pytest.approx(250, abs=60)
  assert mixed.of_episode(random, follows_reward=True) == mixed


def test_without_wide_episodes_nothing_is_drawn() -> None:
  random, untouched = np.random.default_rng(0), np.random.default_rng(0)

  assert Exploration(0.1).of_episode(random, False) == Exploration(0.1)
  assert random.random() == untouched.random()
