"""The evaluations of a run, as its records have them."""

import dataclasses
import math
from collections.abc import Sequence

from qmle_acme.runs.records import (
  ACTOR_STEPS,
  LEARNER_STEPS,
  WALL_SECONDS,
  read_records,
)
from qmle_acme.runs.run_folder import RunFolder


@dataclasses.dataclass(frozen=True)
class Evaluation:
  """An evaluation of the run.

  Attributes:
    actor_steps: environment steps when it was made.
    learner_steps: learner steps then.
    episode_return_mean: undiscounted return, the mean over the episodes; NaN if that
      was no finite number.
    episode_returns: of each greedy episode.
    wall_seconds: that the run had taken then.
  """

  actor_steps: int
  learner_steps: int
  episode_return_mean: float
  episode_returns: tuple[float, ...]
  wall_seconds: float = 0.0


def read_evaluations(folder: RunFolder) -> list[Evaluation]:
  """Returns the evaluations of a run, the oldest first.

  Raises:
    UserError: its records are damaged.
  """
  needed = ('episode_return_mean', 'episode_returns')
  stamps = (ACTOR_STEPS, LEARNER_STEPS, WALL_SECONDS)
  return [
    Evaluation(
      int(record[ACTOR_STEPS]),
      int(record[LEARNER_STEPS]),
      _number(record['episode_return_mean']),
      tuple(map(_number, record['episode_returns'])),
      float(record[WALL_SECONDS]),
    )
    for record in read_records(folder.evaluations, *stamps, *needed)
  ]


def best_of(evaluations: Sequence[Evaluation]) -> Evaluation | None:
  """Returns the first one of the highest mean; the last one if no mean is a number."""
  known = [e for e in evaluations if not math.isnan(e.episode_return_mean)]
  last = evaluations[-1] if evaluations else None
  return max(known, key=lambda e: e.episode_return_mean, default=last)


def _number(value: float | None) -> float:
  """Returns what a record holds: JSON has no number that is not finite."""
  return math.nan if value is None else float(value)
