"""What a person is told at the end of a run: what it is worth, and what comes next."""

import datetime
import shlex
from typing import Any

from qmle_acme.runs.records import ACTOR_STEPS, WALL_SECONDS, read_records
from qmle_acme.runs.run_folder import RunFolder


def describe(folder: RunFolder) -> list[str]:
  """Returns lines: the final greedy return, the best one and the time, what is next."""
  records = read_records(folder.evaluations)
  last, episodes = records[-1], len(records[-1]['episode_returns'])
  known = [r for r in records if r['episode_return_mean'] is not None]
  best = max(known, key=lambda record: record['episode_return_mean'], default=last)
  seconds = datetime.timedelta(seconds=round(last[WALL_SECONDS]))
  run = shlex.quote(str(folder.path))
  return [
    f'greedy return {_number(last)}, the mean of {episodes} episodes',
    f'best {_number(best)}, after {best[ACTOR_STEPS]:,} steps; all took {seconds}',
    f'next: qmle evaluate {run}',
    f'      qmle render {run} --out episode.mp4',
    f'      qmle report {run} --out report',
  ]


def _number(record: dict[str, Any]) -> str:
  """Returns a mean for people; JSON has none that is not finite."""
  mean = record['episode_return_mean']
  return 'not finite' if mean is None else f'{mean:,.6g}'
