"""Ablation of the three principles, on a task of few dimensions and one of many."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import matplotlib.figure

from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.studies import control_runs, reporting
from qmle_acme.studies.statistics import group, interval, means
from qmle_acme.studies.study import Record, Settings, Study

TASKS = ('control:cartpole:swingup', 'control:dog:stand')
# What each form of the agent changes.
FORMS: dict[str, dict[str, Any]] = {
  'full': {},
  'uniform alone': {'uniform_ratio': 1.0, 'predictors': ()},
  'cached target': {'mle_target': 'cached'},
  'few candidates': {'m_target': 2, 'm_greedy': 10},
}
_CONFIG = QMLEConfig(
  batch_size=128, learning_rate=1e-3, min_replay_size=500, replay_size=100_000
)


class AblationStudy(Study):
  """Rows: what `control_runs.run` returns, by task and form of the agent."""

  seeds: ClassVar[int] = 3
  quick_seeds: ClassVar[int] = 1

  def cells(self, quick: bool) -> Sequence[Settings]:
    """See base class."""
    if quick:
      forms = ('full', 'few candidates')
      return [{'task': TASKS[0], 'form': form, 'steps': 3_000} for form in forms]
    return [
      {'task': task, 'form': form, 'steps': 40_000} for task in TASKS for form in FORMS
    ]

  def run(self, settings: Settings) -> list[Record]:
    """See base class."""
    config = dataclasses.replace(_CONFIG, **FORMS[str(settings['form'])])
    steps, seed = int(settings['steps']), int(settings['seed'])
    return control_runs.run(str(settings['task']), config, steps, seed)

  def table(self, records: Sequence[Record]) -> str:
    """See base class."""
    final = [r for r in records if r['step'] == r['steps']]
    measures = ('return', 'decision_ms', 'learner_step_ms')
    rows = [
      [*key, *(interval([float(r[name]) for r in runs]) for name in measures)]
      for key, runs in group(final, lambda r: (r['task'], r['form'])).items()
    ]
    columns = ['task', 'agent', 'return', 'CPU ms per decision']
    table = reporting.markdown([*columns, 'CPU ms per learner step'], rows)
    steps = int(final[0]['steps'])
    return (
      f'{table}\nGreedy return of {control_runs.EPISODES} episodes after {steps:,} '
      f'steps. {reporting.INTERVALS}\n'
    )

  def draw(self, records: Sequence[Record], figure: matplotlib.figure.Figure) -> None:
    """See base class."""
    tasks = group(records, lambda r: r['task'])
    figure.set_size_inches(5.5 * len(tasks), 3.8)
    panels = figure.subplots(1, len(tasks), squeeze=False)[0]
    for panel, (task, runs) in zip(panels, tasks.items(), strict=True):
      for form, some in group(runs, lambda r: r['form']).items():
        reporting.draw_line(panel, means(some, by='step', of='return'), str(form))
      panel.set(title=task, xlabel='environment steps', ylabel='greedy return')
    panels[0].legend()
