"""Beyond 38 dimensions: regret on boxes of up to 200, and the humanoid of 56."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import matplotlib.figure

from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.experiments import control_runs, reporting, synthetic_runs
from qmle_acme.experiments.statistics import group, means
from qmle_acme.experiments.study import Record, Settings, Study

PROPOSALS = ('uniform alone', 'with predictors')
TASK = 'control:humanoid_CMU:stand'


class DimensionsStudy(Study):
  """Rows of boxes and of a task.

  Of boxes: what `synthetic_runs.run` returns, by dimensions, candidates and proposal.
  Of the task: what `control_runs.run` returns, by task and form, which is a proposal.
  """

  seeds: ClassVar[int] = 3
  quick_seeds: ClassVar[int] = 1

  def cells(self, quick: bool) -> Sequence[Settings]:
    """See base class."""
    sizes = (2, 40) if quick else (2, 8, 38, 100, 200)
    budgets = (32,) if quick else (10, 50, 250)
    steps = 1_500 if quick else 2_000
    cells: list[Settings] = [
      {'dimensions': size, 'm': m, 'proposal': proposal, 'steps': steps}
      for size in sizes
      for m in budgets
      for proposal in PROPOSALS
    ]
    if not quick:
      cells += [{'task': TASK, 'form': form, 'steps': 20_000} for form in PROPOSALS]
    return cells

  def run(self, settings: Settings) -> list[Record]:
    """See base class."""
    steps, seed = int(settings['steps']), int(settings['seed'])
    if 'task' in settings:
      config = propose_by(str(settings['form']), control_runs.CONFIG)
      return control_runs.run(str(settings['task']), config, steps, seed)
    m = int(settings['m'])
    config = dataclasses.replace(synthetic_runs.CONFIG, m_target=m, m_greedy=m)
    config = propose_by(str(settings['proposal']), config)
    problem = f'box:{settings["dimensions"]}'
    return [synthetic_runs.run(problem, config, steps, seed)]

  def table(self, records: Sequence[Record]) -> str:
    """See base class."""
    boxes, of_task = _split(records)
    measures = {'regret': 'regret', **reporting.COSTS}
    by_setting = reporting.table_of(boxes, ('dimensions', 'm', 'proposal'), measures)
    table = f'{by_setting}\n{reporting.INTERVALS}\n'
    return f'{table}\n{control_runs.table(of_task)}' if of_task else table

  def draw(self, records: Sequence[Record], figure: matplotlib.figure.Figure) -> None:
    """See base class."""
    boxes, of_task = _split(records)
    figure.set_size_inches(14, 3.8)
    regret, cost, *returns = figure.subplots(1, 3 if of_task else 2)
    for (m, proposal), runs in group(boxes, lambda r: (r['m'], r['proposal'])).items():
      label = f'm = {m}, {proposal}'
      reporting.draw_line(regret, means(runs, by='dimensions', of='regret'), label)
      reporting.draw_line(cost, means(runs, by='dimensions', of='decision_ms'), label)
    regret.set(title='regret', xlabel='action dimensions', xscale='log')
    cost.set(title='CPU ms per decision', xlabel='action dimensions', xscale='log')
    cost.set_yscale('log')
    regret.legend(fontsize='small')
    for panel in returns:
      control_runs.draw_returns(panel, of_task, PROPOSALS)


def propose_by(proposal: str, config: QMLEConfig) -> QMLEConfig:
  """Returns the settings with their predictors, or with uniform sampling alone."""
  if proposal == 'with predictors':
    return config
  return dataclasses.replace(config, uniform_ratio=1.0, predictors=())


def _split(records: Sequence[Record]) -> tuple[list[Record], list[Record]]:
  """Returns the rows of boxes, and those of the task."""
  return (
    [r for r in records if r.get('dimensions')],
    [r for r in records if r.get('task')],
  )
