"""Which evaluation of a run is its best one."""

import math

import pytest

from qmle_acme.runs.evaluations import Evaluation, best_of


@pytest.mark.parametrize(
  ('means', 'best'),
  [
    ((1.0, 3.0, 2.0), 1),
    ((3.0, 3.0), 0),
    ((math.nan, 1.0, math.nan), 1),
    ((math.nan, math.nan), 1),
  ],
)
def test_best(means: tuple[float, ...], best: int) -> None:
  made = [Evaluation(i, i, mean, (mean,)) for i, mean in enumerate(means)]
  assert best_of(made) is made[best]


def test_no_evaluation_is_the_best_of_none() -> None:
  assert best_of([]) is None
