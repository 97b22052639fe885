"""What can be said of returns from few runs, and how sure one can be of it.

N runs (seeds), M tasks, S steps. A score is a return divided by the task's largest.
The aggregates are those of Agarwal et al., *Deep reinforcement learning at the edge of
the statistical precipice* (2021), by their library.
"""

import contextlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import scipy.stats
from rliable import library as rly

from qmle_acme.types import Array

LEVEL = 0.95
_REPETITIONS = 1_000
# The share that an interquartile mean cuts off at either end.
_CUT = 0.25


class Estimate(NamedTuple):
  """An estimate with its 95 % interval; arrays of one shape, or numbers.

  The bounds are NaN where there are too few runs for an interval.
  """

  value: Array
  low: Array
  high: Array


def mean(samples: Array) -> Estimate:
  """Returns the mean over runs, with Student's t interval.

  Args:
    samples: [N, ...], one for each run; NaN where a run has none.
  """
  samples = np.asarray(samples, float)
  count = np.sum(~np.isnan(samples), axis=0)
  value = np.nansum(samples, axis=0) / np.where(count > 0, count, np.nan)
  squares = np.nansum((samples - value) ** 2, axis=0)
  freedom = np.where(count > 1, count - 1, np.nan)
  quantile = scipy.stats.t.ppf(0.5 + LEVEL / 2, freedom)
  half = quantile * np.sqrt(squares / freedom / np.where(count > 0, count, np.nan))
  return Estimate(value, value - half, value + half)


def interquartile_mean(scores: Array) -> Estimate:
  """Returns the mean of the middle half of all runs on all tasks.

  Args:
    scores: [N, M] or [N, M, S]; of the latter an estimate for each step, [S].
  """

  def compute(sample: Array) -> Array:
    flat = sample.reshape(-1, *sample.shape[2:])  # [N * M, ...]
    return np.atleast_1d(scipy.stats.trim_mean(flat, _CUT, axis=0))

  estimate = _bootstrap(scores, compute)
  return estimate if scores.ndim > 2 else Estimate(*(x[0] for x in estimate))


def probability_of_improvement(ours: Array, theirs: Array) -> Estimate:
  """Returns how probably a run of ours beats one of theirs, on a task at random.

  Args:
    ours: [N, M] scores; equal ones count as half a win.
    theirs: [N', M] scores on the same tasks.
  """

  def compute(x: Array, y: Array) -> Array:
    difference = x[:, None] - y[None]  # [N, N', M]
    return np.atleast_1d(np.mean(0.5 + 0.5 * np.sign(difference)))

  estimate = _bootstrap((ours, theirs), compute)
  return Estimate(*(x[0] for x in estimate))


def performance_profile(scores: Array, thresholds: Array) -> Estimate:
  """Returns the share of runs with more than each threshold, [T].

  Args:
    scores: [N, M].
    thresholds: [T].
  """

  def compute(sample: Array) -> Array:
    return np.mean(sample[..., None] > thresholds, axis=(0, 1))

  return _bootstrap(scores, compute)


def _bootstrap(
  scores: Array | tuple[Array, Array], compute: Callable[..., Array]
) -> Estimate:
  """Returns an estimate with the interval that resampling the runs of each task gives.

  Where an agent has one run there is nothing to resample, so there is no interval.
  """
  with _seeded():
    values, intervals = rly.get_interval_estimates(
      {'': scores}, compute, reps=_REPETITIONS, confidence_interval_size=LEVEL
    )
  (low, high), value = intervals[''], values['']
  counts = [len(s) for s in (scores if isinstance(scores, tuple) else (scores,))]
  if min(counts) < 2:
    low = high = np.full_like(value, np.nan)
  return Estimate(value, low, high)


@contextlib.contextmanager
def _seeded() -> Iterator[None]:
  """Seeds NumPy's shared generator, by which rliable resamples whatever it is given."""
  state = np.random.get_state()
  np.random.seed(0)
  try:
    yield
  finally:
    np.random.set_state(state)
