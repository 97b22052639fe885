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
def test_exploring_starts_so_often_that_its_share_of_steps_is_epsilon(
  epsilon: float, steps: int
) -> None:
  start = Exploration(epsilon, steps).start
  assert 0.0 <= start <= 1.0
  # Of the steps at which it could start, it does at a share `start`, and takes k.
  share = start * steps / (start * steps + 1.0 - start)
  assert share == pytest.approx(epsilon)
  assert steps > 1 or start == epsilon


def test_a_share_of_the_episodes_explores_widely() -> None:
  random = np.random.default_rng(0)
  mixed = Exploration(0.1, from_predictors=0.2, wide_episodes=0.25, wide_steps=6)

  episodes = [mixed.of_episode(random) for _ in range(1_000)]

  wide = Exploration(0.5, steps=6, from_predictors=0.2)
  assert set(episodes) == {mixed, wide}
  # Deviation 14.
  assert episodes.count(wide) == pytest.approx(250, abs=60)


def test_without_wide_episodes_nothing_is_drawn() -> None:
  random, untouched = np.random.default_rng(0), np.random.default_rng(0)

  assert Exploration(0.1).of_episode(random) == Exploration(0.1)
  assert random.random() == untouched.random()
