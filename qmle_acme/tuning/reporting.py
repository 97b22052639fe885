"""What has come of a study: a page of its trials, and the best settings as a file."""

from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState

from qmle_acme.files import write_atomically
from qmle_acme.runs.ending import command
from qmle_acme.tuning import study as study_lib
from qmle_acme.tuning.study import ERROR, OVER, Search, number_of


def write(search: Search, study: optuna.Study) -> list[str]:
  """Writes `report.md` and `best.yaml` in the folder; returns lines for a person."""
  over = study.get_trials(states=OVER)
  # One that was cut off has failed without an error, and goes on as another.
  ended = [t for t in over if t.state is not TrialState.FAIL or ERROR in t.user_attrs]
  trials = sorted(ended, key=_order)
  write_atomically(search.out / 'report.md', _page(search, trials))
  if not trials or trials[0].state is not TrialState.COMPLETE:
    return ['no trial has come to its end: there are no best settings']
  best = search.out / 'best.yaml'
  text = study_lib.folder_of(search, number_of(trials[0])).config.read_text()
  comment = f'trial {number_of(trials[0])}: greedy return {trials[0].value:,.6g}'
  write_atomically(best, f'# {comment}\n{text}')
  return [
    f'best is {comment}',
    f'next: {command()} train --config {best} --run RUN --steps MORE',
  ]


def _order(trial: FrozenTrial) -> tuple[int, float, int]:
  """Orders trials: those that ended, by return; then the pruned; then the failed."""
  value = trial.value if trial.value is not None else float('-inf')
  return OVER.index(trial.state), -value, number_of(trial)


def _page(search: Search, trials: list[FrozenTrial]) -> str:
  names = search.space.names
  head = ['trial', 'state', 'return', 'evaluations', *names, 'folder']
  rows = [head, ['---'] * len(head), *(_row(search, trial, names) for trial in trials)]
  table = '\n'.join(f'| {" | ".join(row)} |' for row in rows)
  base = search.base
  errors = [
    f'- trial {number_of(trial)}: {trial.user_attrs[ERROR]}'
    for trial in trials
    if ERROR in trial.user_attrs
  ]
  failed = ['## Failed', '\n'.join(errors)] if errors else []
  return '\n\n'.join(
    [
      f'# {base.agent} on {base.env}',
      f'Trials of {base.steps:,} steps, seed {base.seed}. The return is the mean of '
      f'{base.evaluation_episodes} greedy episodes in the last evaluation; of a trial '
      'that was pruned, in the last one that it came to.',
      table,
      *failed,
      '',
    ]
  )


def _row(search: Search, trial: FrozenTrial, names: tuple[str, ...]) -> list[str]:
  settings = study_lib.settings_of(search, trial)
  number = number_of(trial)
  return [
    str(number),
    trial.state.name.lower(),
    '-' if trial.value is None else f'{trial.value:,.6g}',
    str(len(trial.intermediate_values)),
    *(_cell(settings, name) for name in names),
    f'trials/{study_lib.folder_of(search, number).path.name}',
  ]


def _cell(settings: dict[str, Any], name: str) -> str:
  value: Any = settings
  for part in name.split('.'):
    value = value[part]
  return f'{value:.4g}' if isinstance(value, float) else str(value)
