"""Means over seeds, with the intervals that they are uncertain by."""

from collections.abc import Callable, Sequence
from typing import NamedTuple, TypeVar

import numpy as np
import scipy.stats

from qmle_acme.experiments.study import Record

T = TypeVar('T')
_CONFIDENCE = 0.95
_RESAMPLES = 2_000


class Interval(NamedTuple):
  """A mean, and the 95 % interval in which it lies by the bootstrap."""

  mean: float
  low: float
  high: float

  def __str__(self) -> str:
    """Returns it as in a table; without an interval if there is none."""
    mean, low, high = (_short(value) for value in self)
    return mean if self.low == self.high else f'{mean} ({low} to {high})'


def _short(value: float) -> str:
  """Returns three digits of a value, and more where there are more before the point."""
  return f'{value:.3g}' if abs(value) < 1_000 else f'{value:,.0f}'


def interval(values: Sequence[float]) -> Interval:
  """Returns the mean of some values and its interval by the percentile bootstrap.

  Of one value, or of equal ones, nothing is known but the value itself.
  """
  mean = float(np.mean(values))
  if len(set(values)) < 2:
    return Interval(mean, mean, mean)
  found = scipy.stats.bootstrap(
    (np.asarray(values, np.float64),),
    np.mean,
    confidence_level=_CONFIDENCE,
    n_resamples=_RESAMPLES,
    method='percentile',
    random_state=0,
  ).confidence_interval
  return Interval(mean, float(found.low), float(found.high))


def group(
  records: Sequence[Record], key: Callable[[Record], T]
) -> dict[T, list[Record]]:
  """Returns the records by a key, in the order in which the keys appear."""
  groups: dict[T, list[Record]] = {}
  for record in records:
    groups.setdefault(key(record), []).append(record)
  return groups


def means(
  records: Sequence[Record], by: str, of: str
) -> dict[str | int | float, Interval]:
  """Returns the interval of field `of` for each value of field `by`, in its order."""
  groups = group(records, lambda record: record[by])
  return {
    value: interval([float(r[of]) for r in groups[value]]) for value in sorted(groups)
  }
