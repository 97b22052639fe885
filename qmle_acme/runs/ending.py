"""What a person is told at the end of a run: what it is worth, and what comes next."""

import datetime
import math
import shlex

from qmle_acme.runs.evaluations import Evaluation, best_of, read_evaluations
from qmle_acme.runs.run_folder import RunFolder


def describe(folder: RunFolder) -> list[str]:
  """Returns lines: the final greedy return, the best one and the time, what is next."""
  evaluations = read_evaluations(folder)
  last, best = evaluations[-1], best_of(evaluations)
  assert best is not None
  count = len(last.episode_returns)
  episodes = 'one episode' if count == 1 else f'the mean of {count} episodes'
  seconds = datetime.timedelta(seconds=round(last.wall_seconds))
  run = shlex.quote(str(folder.path))
  return [
    f'greedy return {_number(last)}, {episodes}',
    f'best {_number(best)}, after {best.actor_steps:,} steps; all took {seconds}',
    f'next: qmle evaluate {run}',
    f'      qmle render {run} --best --out episode.mp4',
    f'      qmle report {run} --out report',
  ]


def _number(evaluation: Evaluation) -> str:
  """Returns its mean for people."""
  mean = evaluation.episode_return_mean
  return 'not finite' if math.isnan(mean) else f'{mean:,.6g}'
