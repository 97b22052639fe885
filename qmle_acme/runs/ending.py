"""What a person is told at the end of a run: what it is worth, and what comes next."""

import datetime
import math
import os
import pathlib
import shlex
import shutil
import sys

from qmle_acme.runs.evaluations import Evaluation, best_of, read_evaluations
from qmle_acme.runs.run_folder import RunFolder


def describe(folder: RunFolder, is_drawn: bool) -> list[str]:
  """Returns lines: the final greedy return, the best one and the time, what is next.

  Where the learner took no step, that is said in place of the best one.

  Args:
    folder: of a run with at least one evaluation.
    is_drawn: whether there can be a video of its environment.
  """
  evaluations = read_evaluations(folder)
  last, best = evaluations[-1], best_of(evaluations)
  assert best is not None
  count = len(last.episode_returns)
  episodes = 'one episode' if count == 1 else f'the mean of {count} episodes'
  seconds = datetime.timedelta(seconds=round(last.wall_seconds))
  gain = (
    f'best {_number(best)}, after {best.actor_steps:,} steps; trained for {seconds}'
    if last.learner_steps
    else 'nothing was learned: the steps were over before replay held min_replay_size'
  )
  run, qmle = _near(folder.path), command()
  render = f'      {qmle} render {run} --best --out episode.mp4'
  return [
    f'greedy return {_number(last)}, {episodes}',
    gain,
    f'next: {qmle} evaluate {run}',
    *([render] if is_drawn else []),
    f'      {qmle} report {run} --out report',
  ]


def command() -> str:
  """Returns what a shell here has to be given for `qmle`: its path, unless it knows."""
  script = pathlib.Path(sys.executable).with_name('qmle')
  return 'qmle' if shutil.which('qmle') or not script.exists() else _near(script)


def _near(path: pathlib.Path) -> str:
  """Returns a path for the shell that started this, from its folder if it lies there.

  An environment may have changed the current folder since.
  """
  path, folder = path.absolute(), os.environ.get('PWD', os.sep)
  is_below = folder != os.sep and path.is_relative_to(folder)
  return shlex.quote(os.path.relpath(path, folder) if is_below else str(path))


def _number(evaluation: Evaluation) -> str:
  """Returns its mean for people."""
  mean = evaluation.episode_return_mean
  return 'not finite' if math.isnan(mean) else f'{mean:,.6g}'
