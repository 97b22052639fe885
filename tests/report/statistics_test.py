"""Statistics of few runs, on numbers that were worked out by hand."""

import numpy as np
import pytest
from rliable import metrics

from qmle_acme.report import statistics


def test_mean_with_students_interval() -> None:
  # Mean 4, deviation 2, so the half width is 4.302653 x 2 / sqrt(3) = 4.968275.
  estimate = statistics.mean(np.array([2.0, 4.0, 6.0]))

  assert estimate.value == pytest.approx(4.0)
  assert estimate.high - estimate.value == pytest.approx(4.968275, abs=1e-5)
  assert estimate.value - estimate.low == pytest.approx(4.968275, abs=1e-5)


def test_mean_leaves_out_what_is_missing() -> None:
  estimate = statistics.mean(np.array([[1.0, 5.0, np.nan], [3.0, np.nan, np.nan]]))

  np.testing.assert_allclose(estimate.value, [2.0, 5.0, np.nan])
  # Deviation sqrt(2) over sqrt(2), times 12.7062.
  np.testing.assert_allclose(estimate.high, [14.7062, np.nan, np.nan], atol=1e-4)


def test_interquartile_mean_is_that_of_the_middle_half() -> None:
  # In order: 0, .1, .2, .3, .5, .6, .8, 1: the middle four have the mean 0.4.
  scores = np.array([[0.0, 0.3, 1.0, 0.1], [0.8, 0.5, 0.2, 0.6]])

  estimate = statistics.interquartile_mean(scores)

  assert estimate.value == pytest.approx(0.4)
  assert 0.1 < estimate.low < 0.4 < estimate.high < 0.75


def test_interquartile_mean_of_each_step() -> None:
  scores = np.array([[0.0, 0.3, 1.0, 0.1], [0.8, 0.5, 0.2, 0.6]])

  curves = statistics.interquartile_mean(np.stack([scores, scores / 2], axis=-1))

  np.testing.assert_allclose(curves.value, [0.4, 0.2])
  assert curves.low.shape == curves.high.shape == (2,)


def test_one_run_has_no_interval() -> None:
  estimate = statistics.interquartile_mean(np.array([[0.2, 0.4, 0.6]]))

  assert estimate.value == pytest.approx(0.4)
  assert np.isnan(estimate.low) and np.isnan(estimate.high)


def test_probability_of_improvement() -> None:
  # Task one: 3 of 4 pairs are won. Task two: one won, two equal, one lost: 2 of 4.
  ours = np.array([[3.0, 1.0], [1.0, 2.0]])
  theirs = np.array([[0.0, 1.0], [2.0, 2.0]])

  estimate = statistics.probability_of_improvement(ours, theirs)

  assert estimate.value == pytest.approx((0.75 + 0.5) / 2)
  assert estimate.low < estimate.value < estimate.high


def test_probability_of_improvement_agrees_with_the_library() -> None:
  rng = np.random.default_rng(1)
  ours, theirs = rng.normal(0.3, 1, (4, 5)), rng.normal(0, 1, (3, 5))

  value = statistics.probability_of_improvement(ours, theirs).value

  assert value == pytest.approx(metrics.probability_of_improvement(ours, theirs))


def test_performance_profile() -> None:
  scores = np.array([[0.2, 0.8], [0.4, 0.6]])

  profile = statistics.performance_profile(scores, np.array([0.1, 0.4, 0.7]))

  np.testing.assert_allclose(profile.value, [1.0, 0.5, 0.25])
  assert np.all(profile.low <= profile.value) and np.all(profile.value <= profile.high)


def test_the_same_scores_give_the_same_interval() -> None:
  scores = np.random.default_rng(2).uniform(size=(4, 3))
  np.random.seed(3)
  expected = np.random.uniform()
  np.random.seed(3)

  first, second = (statistics.interquartile_mean(scores) for _ in range(2))

  assert first == second and first.low < first.value < first.high
  assert np.random.uniform() == expected
