"""Beyond 38 dimensions: regret on boxes of up to 200, and what it costs."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import matplotlib.figure

from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.studies import reporting, synthetic_runs
from qmle_acme.studies.statistics import group, interval, means
from qmle_acme.studies.study import Record, Settings, Study

PROPOSALS = {'uniform': 'uniform alone', 'full': 'with predictors'}


class DimensionsStudy(Study):
  """Rows: what `synthetic_runs.run` returns, by dimensions, candidates and proposal."""

  seeds: ClassVar[int] = 3
  quick_seeds: ClassVar[int] = 1

  def cells(self, quick: bool) -> Sequence[Settings]:
    """See base class."""
    sizes = (2, 40) if quick else (2, 8, 38, 100, 200)
    budgets = (32,) if quick else (10, 50, 250)
    steps = 1_500 if quick else 2_000
    return [
      {'dimensions': size, 'm': m, 'proposal': proposal, 'steps': steps}
      for size in sizes
      for m in budgets
      for proposal in PROPOSALS
    ]

  def run(self, settings: Settings) -> list[Record]:
    """See base class."""
    config = make_config(str(settings['proposal']), int(settings['m']))
    problem = f'box:{settings["dimensions"]}'
    steps, seed = int(settings['steps']), int(settings['seed'])
    return [synthetic_runs.run(problem, config, steps, seed)]

  def table(self, records: Sequence[Record]) -> str:
    """See base class."""
    groups = group(records, lambda r: (r['dimensions'], r['m'], r['proposal']))
    rows = [
      [
        size,
        m,
        PROPOSALS[str(proposal)],
        *(
          interval([float(r[name]) for r in runs])
          for name in ('regret', 'decision_ms', 'learner_step_ms')
        ),
      ]
      for (size, m, proposal), runs in sorted(groups.items())
    ]
    columns = ['A', 'm', 'proposal', 'regret', 'ms per decision', 'ms per learner step']
    return f'{reporting.markdown(columns, rows)}\n{reporting.INTERVALS}\n'

  def draw(self, records: Sequence[Record], figure: matplotlib.figure.Figure) -> None:
    """See base class."""
    figure.set_size_inches(12, 3.8)
    regret, cost = figure.subplots(1, 2)
    for (m, proposal), runs in group(
      records, lambda r: (r['m'], r['proposal'])
    ).items():
      label = f'm = {m}, {PROPOSALS[str(proposal)]}'
      reporting.draw_line(regret, means(runs, by='dimensions', of='regret'), label)
      reporting.draw_line(cost, means(runs, by='dimensions', of='decision_ms'), label)
    regret.set(title='regret', xlabel='action dimensions', xscale='log')
    cost.set(title='CPU ms per decision', xlabel='action dimensions', xscale='log')
    cost.set_yscale('log')
    regret.legend(fontsize='small')


def make_config(proposal: str, m: int) -> QMLEConfig:
  """Returns the agent's settings: a budget of m, and who proposes candidates."""
  config = dataclasses.replace(synthetic_runs.CONFIG, m_target=m, m_greedy=m)
  if proposal == 'full':
    return config
  return dataclasses.replace(config, uniform_ratio=1.0, predictors=())
