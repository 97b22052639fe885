"""Ablation of the three principles, on a task of few dimensions and one of many."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import matplotlib.figure

from qmle_acme.agents.qmle import QMLEBuilder
from qmle_acme.errors import UserError
from qmle_acme.experiments import control_runs
from qmle_acme.experiments.action_out import ActionOutBuilder
from qmle_acme.experiments.study import Record, Settings, Study

# Of as many dimensions as the dog has, but learned in little time.
_QUICK_TASK = 'synthetic:box:38'
_QUICK_FORMS = ('full', 'uniform alone', 'few candidates', 'action-out, 3 bins')
TASKS = ('control:cartpole:swingup', 'control:dog:stand')
# Of as many dimensions as still give a list: 729 actions on the grid.
_LISTED_TASK = 'control:walker:walk'
# What each form of the agent changes of its settings.
FORMS: dict[str, dict[str, Any]] = {
  'full': {},
  'uniform alone': {'uniform_ratio': 1.0, 'predictors': ()},
  'no cache': {'use_cache': False},
  'cached target': {'mle_target': 'cached'},
  # So many that one is still the categorical predictor's.
  'few candidates': {'m_target': 10, 'm_greedy': 10},
}
# Both architectures, where each action dimension has these three values.
GRID = 'grid:3:'
ON_GRID: dict[str, type[QMLEBuilder]] = {
  'action-in, 3 bins': QMLEBuilder,
  'action-out, 3 bins': ActionOutBuilder,
}


class AblationStudy(Study):
  """Rows: what `control_runs.run` returns, by task and form of the agent.

  A form that cannot act in a task has one row instead, with the words in which it is
  `refused`.
  """

  seeds: ClassVar[int] = 3
  quick_seeds: ClassVar[int] = 1

  def cells(self, quick: bool) -> Sequence[Settings]:
    """See base class."""
    if quick:
      return [{'task': _QUICK_TASK, 'form': f, 'steps': 2_000} for f in _QUICK_FORMS]
    pairs = [(task, form) for task in TASKS for form in (*FORMS, *ON_GRID)]
    pairs += [(_LISTED_TASK, form) for form in ('full', *ON_GRID)]
    return [{'task': task, 'form': form, 'steps': 30_000} for task, form in pairs]

  def run(self, settings: Settings) -> list[Record]:
    """See base class."""
    task, form = str(settings['task']), str(settings['form'])
    steps, seed = int(settings['steps']), int(settings['seed'])
    config = dataclasses.replace(control_runs.CONFIG, **FORMS.get(form, {}))
    if form not in ON_GRID:
      return control_runs.run(task, config, steps, seed)
    try:
      return control_runs.run(GRID + task, config, steps, seed, ON_GRID[form])
    except UserError as error:
      return [{'refused': str(error)}]

  def table(self, records: Sequence[Record]) -> str:
    """See base class."""
    taken = [r for r in records if r.get('step')]
    return f'{control_runs.table(taken)}{_refusals(records)}'

  def draw(self, records: Sequence[Record], figure: matplotlib.figure.Figure) -> None:
    """See base class."""
    control_runs.draw([r for r in records if r.get('step')], figure)


def _refusals(records: Sequence[Record]) -> str:
  """Returns a line for each form that was refused in a task."""
  refused = [r for r in records if r.get('refused')]
  lines = [f'{r["form"]} on {r["task"]}: "{r["refused"]}"' for r in refused]
  return ''.join(f'\n{line}\n' for line in dict.fromkeys(lines))
