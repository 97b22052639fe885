"""Intervals: against the normal law where it holds, and where nothing varies."""

import numpy as np
import pytest

from qmle_acme.experiments.statistics import Interval, group, interval, means
from qmle_acme.experiments.study import Record


def test_interval_of_many_values_is_near_that_of_the_normal_law() -> None:
  values = list(np.random.default_rng(0).normal(3.0, 2.0, 400))
  found = interval(values)
  half = 1.96 * np.std(values) / 20.0
  assert found.mean == pytest.approx(np.mean(values))
  assert found.low == pytest.approx(found.mean - half, abs=0.04)
  assert found.high == pytest.approx(found.mean + half, abs=0.04)
  assert interval(values) == found  # The resamples have a seed.


@pytest.mark.parametrize('values', [[2.0], [2.0, 2.0, 2.0]])
def test_interval_of_what_does_not_vary(values: list[float]) -> None:
  assert interval(values) == Interval(2.0, 2.0, 2.0)


def test_as_text() -> None:
  assert str(Interval(0.51234, 0.4, 0.6)) == '0.512 (0.4 to 0.6)'
  assert str(Interval(52_501.0, 999.4, 60_000.0)) == '52,501 (999 to 60,000)'


def test_groups_and_means() -> None:
  records: list[Record] = [
    {'m': m, 'loss': loss} for m, loss in ((9, 1.0), (2, 5.0), (9, 3.0))
  ]
  assert list(group(records, lambda r: r['m'])) == [9, 2]
  line = means(records, by='m', of='loss')
  assert list(line) == [2, 9]
  assert line[9].mean == 2.0 and line[9].low <= 2.0 <= line[9].high
