"""Results of many runs as two tables, and as two CSV files that hold the same.

runs         a row per run: what it was, how it ended, what it cost, on what it ran;
evaluations  a row per run and evaluation, with the learner's metrics since the
             evaluation before.
"""

import json
import pathlib
import shlex
from collections.abc import Iterable
from typing import Any, NamedTuple

import pandas as pd

from qmle_acme.errors import UserError, unreadable
from qmle_acme.files import make_folder, parse_json
from qmle_acme.runs import screen
from qmle_acme.runs.records import (
  ACTOR_STEPS,
  LEARNER_STEPS,
  STAMPS,
  WALL_SECONDS,
  read_metrics,
  read_records,
)
from qmle_acme.runs.run_folder import RunFolder

RUNS_FILE = 'runs.csv'
EVALUATIONS_FILE = 'evaluations.csv'
HIT_RATE = 'cache_hit_rate'
WINNER = 'winner/'
# Means over greedy episodes, of agents that have a Q and can say so.
Q_START = 'q_start_mean'
DISCOUNTED_RETURN = 'discounted_return_mean'
_OUTCOME = ('error', 'command', 'date', 'hardware', 'revision', 'versions', 'settings')
_TEXTS = ('run', 'task', 'agent', 'state', *_OUTCOME)
_WHO = ('run', 'task', 'agent', 'seed')
_COSTS = (*STAMPS, 'cpu_seconds')
_RUN_COLUMNS = (*_WHO, 'steps', 'state', *_COSTS, *_OUTCOME)
# Of parts of a run that died; not every run has counted them.
RESTARTS = 'restarts'
# What records must hold to be read: those of starts, and of evaluations.
_START = ('command', 'cpu', 'usable_cores', 'revision')
_EPISODE_RETURNS = 'episode_returns'
_RETURNS = ('episodes', 'episode_return_mean', 'episode_return_deviation')
_EVALUATION_COLUMNS = (*_WHO, 'step', *STAMPS, *_RETURNS)


class Results(NamedTuple):
  """Results of runs.

  Attributes:
    runs: one row per run; `run` is its folder below the folder of all.
    evaluations: one row per run and evaluation; `step` is `actor_steps` rounded down
      to the evaluation that was due, so that runs can be compared.
  """

  runs: pd.DataFrame
  evaluations: pd.DataFrame

  @property
  def are_going_on(self) -> bool:
    """Whether one of the runs is under way."""
    return bool((self.runs['state'] == 'running').any())


def check(path: pathlib.Path) -> None:
  """Checks that a folder holds results, damaged ones perhaps.

  Raises:
    UserError: it does not.
  """
  if not (path / RUNS_FILE).exists():
    _find_runs(path)


def read(path: pathlib.Path) -> Results:
  """Returns the results in a folder, of run folders or of our own CSV files.

  Of a run, only the settings have to be whole: without its records it is there as one
  that is unreadable. One without whole settings is left out, and that is said.

  Raises:
    UserError: there is neither, or nothing whole.
  """
  if (path / RUNS_FILE).exists():
    return _read_csv(path)
  runs, evaluations, damages = [], [], []
  for folder in _find_runs(path):
    try:
      run, of_run = _read_run(RunFolder(folder), str(folder.relative_to(path)))
    except UserError as error:
      damages.append(error)
      continue
    runs.append(run)
    evaluations += of_run
  if not runs:
    raise damages[0]
  for damage in damages:
    screen.note(f'left out: {damage}')
  frame = pd.DataFrame(evaluations)
  columns = [*_EVALUATION_COLUMNS, *sorted(set(frame) - set(_EVALUATION_COLUMNS))]
  return Results(
    pd.DataFrame(runs, columns=[*_RUN_COLUMNS, RESTARTS]),
    frame.reindex(columns=columns),
  )


def write(results: Results, folder: pathlib.Path) -> None:
  """Writes the two CSV files."""
  make_folder(folder)
  results.runs.to_csv(folder / RUNS_FILE, index=False)
  results.evaluations.to_csv(
    folder / EVALUATIONS_FILE, index=False, float_format='%.6g'
  )


def _read_csv(path: pathlib.Path) -> Results:
  names = dict.fromkeys(('run', 'task', 'agent'), str)  # Folders may have numbers.
  try:
    runs = pd.read_csv(path / RUNS_FILE, dtype=names)
    evaluations = pd.read_csv(path / EVALUATIONS_FILE, dtype=names)
  except (OSError, ValueError) as error:
    raise unreadable(path, error) from error
  for name, needed, frame in (
    (RUNS_FILE, _RUN_COLUMNS, runs),
    (EVALUATIONS_FILE, _EVALUATION_COLUMNS, evaluations),
  ):
    lacking = [column for column in needed if column not in frame]
    if lacking:
      raise UserError(f'{path / name} lacks the columns {", ".join(lacking)}')
  runs = runs.reindex(columns=[*_RUN_COLUMNS, RESTARTS])
  runs = runs.fillna(dict.fromkeys(_TEXTS, '')).astype(dict.fromkeys(_TEXTS, str))
  for column in ('settings', 'versions'):
    for run, text in zip(runs['run'], runs[column], strict=True):
      parse_json(text, f'{path / RUNS_FILE}, {column} of {run}')
  return Results(runs, evaluations)


def _find_runs(path: pathlib.Path) -> list[pathlib.Path]:
  """Returns the run folders below a folder.

  Raises:
    UserError: there are none.
  """
  if not path.is_dir():
    raise UserError(f'{path} is no folder: give the --out of a benchmark, or a run')
  folders = sorted(f.parent for f in path.rglob('config.yaml') if _is_run(f.parent))
  if not folders:
    raise UserError(
      f'{path} holds no run folder and no {RUNS_FILE}: give the --out of a benchmark'
    )
  return folders


def _is_run(path: pathlib.Path) -> bool:
  """Returns whether a folder with a config.yaml, as others have too, is of a run."""
  folder = RunFolder(path)
  try:
    folder.read_settings()
  except UserError:
    return folder.status.exists()  # Then it is one whose settings are damaged.
  return True


def _read_run(
  folder: RunFolder, name: str
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
  """Returns a run's row, and those of its evaluations.

  Raises:
    UserError: its settings are damaged.
  """
  settings = folder.read_settings()
  who = {
    'run': name,
    # How an agent acts in it is no other task.
    'task': settings['env'].removeprefix('relaxed:'),
    'agent': settings.get('label') or settings['agent'],
    'seed': settings['seed'],
  }
  status: dict[str, Any] = {}
  starts: list[dict[str, Any]] = []
  evaluations: list[dict[str, Any]] = []
  try:
    status = folder.read_status()
    starts = read_records(folder.starts, *_START)
    evaluations = _read_evaluations(folder, settings, who)
  except UserError as error:  # What was read before it stays.
    status |= {'state': 'unreadable', 'error': str(error)}
  last = evaluations[-1] if evaluations else {}
  return who | _run(settings, status, starts, last), evaluations


def _read_evaluations(
  folder: RunFolder, settings: dict[str, Any], who: dict[str, Any]
) -> list[dict[str, Any]]:
  """Returns the rows of a run's evaluations."""
  metrics = read_metrics(folder.metrics, 'learner')
  evaluations, before, taken = [], -1, set()
  for record in read_records(folder.evaluations, *STAMPS, _EPISODE_RETURNS):
    steps = record[ACTOR_STEPS]
    since = [m for m in metrics if before < m[ACTOR_STEPS] <= steps]
    step = due_step(steps, settings['steps'], settings['evaluation_period'])
    if step in taken:  # The last one of a part of the run that has gone on since.
      step = steps
    row = who | {'step': step} | _evaluation(record) | _mean_metrics(since)
    evaluations.append(row)
    before = steps
    taken.add(step)
  return evaluations


def due_step(actor_steps: int, total: int, period: int) -> int:
  """Returns the step at which an evaluation was due: it comes a few steps later."""
  return total if actor_steps >= total else int(actor_steps // period * period)


def _run(
  settings: dict[str, Any],
  status: dict[str, Any],
  starts: list[dict[str, Any]],
  last: dict[str, Any],
) -> dict[str, Any]:
  start = starts[-1] if starts else {}
  agents_own = {
    key: value
    for key, value in settings.items()
    if not isinstance(value, dict) or key == settings['agent']
  }
  return {
    'steps': settings['steps'],
    'state': status.get('state', 'not started'),
    'actor_steps': int(status.get(ACTOR_STEPS, 0)),
    'learner_steps': int(status.get(LEARNER_STEPS, 0)),
    'wall_seconds': last.get(WALL_SECONDS),
    'cpu_seconds': status.get('cpu_seconds'),
    RESTARTS: status.get(RESTARTS, float('nan')),
    'error': status.get('error') or '',
    'command': shlex.join(['qmle', *start['command'][1:]]) if start else '',
    'date': start.get('date', ''),
    'hardware': _listed(f'{s["cpu"]}, {s["usable_cores"]} cores' for s in starts),
    'revision': _listed(s['revision'] for s in starts),
    'versions': json.dumps(start.get('versions', {})),
    'settings': json.dumps(agents_own),
  }


def _listed(values: Iterable[str]) -> str:
  """Returns what differs between the parts of a run, in their order."""
  return '; '.join(dict.fromkeys(values))


def _evaluation(record: dict[str, Any]) -> dict[str, Any]:
  returns = pd.Series(record[_EPISODE_RETURNS], dtype=float)
  return {name: record[name] for name in STAMPS} | {
    'episodes': len(returns),
    'episode_return_mean': returns.mean(),
    'episode_return_deviation': returns.std(ddof=0),
    **{name: record[name] for name in (Q_START, DISCOUNTED_RETURN) if name in record},
  }


def _mean_metrics(records: list[dict[str, Any]]) -> dict[str, float]:
  """Returns the means of what the report shows of the learner's metrics."""
  if not records:
    return {}
  frame = pd.DataFrame(records)
  shown = [name for name in frame if name == HIT_RATE or name.startswith(WINNER)]
  return frame[shown].mean().to_dict()
