"""Pendulum and the sampling budget: return and cost by m_target and m_greedy."""

import dataclasses
import threading
from collections.abc import Sequence
from typing import ClassVar

import acme
import matplotlib.figure
import numpy as np

from qmle_acme import environments
from qmle_acme.agents.qmle import QMLEBuilder, QMLEConfig
from qmle_acme.experiments import evaluation
from qmle_acme.studies import reporting
from qmle_acme.studies.statistics import group, interval, means
from qmle_acme.studies.study import Record, Settings, Study
from qmle_acme.studies.training import Training

ENVIRONMENT = 'control:pendulum:swingup'
_CONFIG = QMLEConfig(
  batch_size=64,
  learning_rate=1e-3,
  samples_per_insert=12.8,
  min_replay_size=500,
  replay_size=100_000,
  hidden_size=64,
)
_EPISODES = 5


class BudgetStudy(Study):
  """Rows: return of the greedy agent along the way, and what its steps cost at the end.

  The costs stand in every row of a cell.
  """

  seeds: ClassVar[int] = 3
  quick_seeds: ClassVar[int] = 1

  def cells(self, quick: bool) -> Sequence[Settings]:
    """See base class."""
    budgets = (2, 200) if quick else (2, 20, 200, 2_000)
    steps = 2_000 if quick else 20_000
    pairs = [(m, m) for m in budgets]
    if not quick:
      pairs += [(m, n) for m in budgets for n in budgets if m != n]
    return [{'m_target': m, 'm_greedy': n, 'steps': steps} for m, n in pairs]

  def run(self, settings: Settings) -> list[Record]:
    """See base class."""
    steps, seed = int(settings['steps']), int(settings['seed'])
    config = dataclasses.replace(
      _CONFIG, m_target=int(settings['m_target']), m_greedy=int(settings['m_greedy'])
    )
    environment = environments.make(ENVIRONMENT, seed)
    training = Training(
      QMLEBuilder(config, acme.make_environment_spec(environment)), seed
    )
    returns: list[Record] = []
    costs: Record = {}

    def measure(step: int) -> None:
      if step % (steps // 2) == 0:
        returns.append({'step': step, 'return': _evaluate(training)})
      if step == steps:
        costs.update(training.costs(environment.reset().observation))

    training.run(environment, steps, measure)
    return [{**record, **costs} for record in returns]

  def table(self, records: Sequence[Record]) -> str:
    """See base class."""
    final = [r for r in records if r['step'] == r['steps']]
    groups = group(final, lambda r: (int(r['m_target']), int(r['m_greedy'])))
    measures = ('return', 'decision_ms', 'learner_step_ms')
    rows = [
      [*budget, *(interval([float(r[name]) for r in runs]) for name in measures)]
      for budget, runs in sorted(groups.items())
    ]
    columns = ['m_target', 'm_greedy', 'return', 'CPU ms per decision']
    table = reporting.markdown([*columns, 'CPU ms per learner step'], rows)
    steps = int(final[0]['steps'])
    return (
      f'{table}\n{ENVIRONMENT}, greedy return of {_EPISODES} episodes after {steps:,} '
      f'steps. {reporting.INTERVALS}\n'
    )

  def draw(self, records: Sequence[Record], figure: matplotlib.figure.Figure) -> None:
    """See base class."""
    figure.set_size_inches(14, 3.6)
    panels = figure.subplots(1, 3)
    final = [r for r in records if r['step'] == r['steps']]
    for m_target, runs in sorted(group(final, lambda r: int(r['m_target'])).items()):
      line = means(runs, by='m_greedy', of='return')
      reporting.draw_line(panels[0], line, f'm_target = {m_target}')
    reporting.draw_line(panels[1], means(final, by='m_greedy', of='decision_ms'), '')
    costs = means(final, by='m_target', of='learner_step_ms')
    reporting.draw_line(panels[2], costs, '')
    panels[0].set(title='return', xlabel='m_greedy', xscale='log')
    panels[0].legend(fontsize='small')
    panels[1].set(title='CPU ms per decision', xlabel='m_greedy', xscale='log')
    panels[2].set(title='CPU ms per learner step', xlabel='m_target', xscale='log')


def _evaluate(training: Training) -> float:
  """Returns the mean return of greedy episodes, always from the same states."""
  training.greedy.update(wait=True)
  with environments.make(ENVIRONMENT, seed=0) as environment:
    returns = evaluation.evaluate(
      training.greedy, environment, _EPISODES, threading.Event()
    )
  return round(float(np.mean(returns)), 3)
