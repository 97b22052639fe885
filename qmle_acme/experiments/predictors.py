"""Families of predictors, alone and together, on problems of different kinds."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import matplotlib.figure
import numpy as np

from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.agents.qmle.predictors import families as known_families
from qmle_acme.experiments import reporting, synthetic_runs
from qmle_acme.experiments.statistics import group, interval
from qmle_acme.experiments.study import Record, Settings, Study

PROBLEMS = (
  'box:20',
  'box:20:mirrored',
  'hybrid',
  'multidiscrete:10x10',
  'multidiscrete:10x10:mirrored',
  'discrete:1000000',
)
NONE, ALL = 'none', 'all'
_SHARE = 0.5
_COLUMNS = 2


class PredictorsStudy(Study):
  """Rows: what `synthetic_runs.run` returns, by problem and who proposes candidates.

  Half of the candidates come from the predictors, the rest from the whole space.
  """

  seeds: ClassVar[int] = 3
  quick_seeds: ClassVar[int] = 1

  def cells(self, quick: bool) -> Sequence[Settings]:
    """See base class."""
    problems = PROBLEMS[:2] if quick else PROBLEMS
    steps = 1_000 if quick else 2_000
    return [
      {'problem': problem, 'predictors': proposal, 'steps': steps}
      for problem in problems
      for proposal in (NONE, *(() if quick else families_for(problem)), ALL)
    ]

  def run(self, settings: Settings) -> list[Record]:
    """See base class."""
    problem, proposal = str(settings['problem']), str(settings['predictors'])
    steps, seed = int(settings['steps']), int(settings['seed'])
    config = make_config(problem, proposal)
    return [synthetic_runs.run(problem, config, steps, seed)]

  def table(self, records: Sequence[Record]) -> str:
    """See base class."""
    measures = {'regret': 'regret', **reporting.COSTS}
    table = reporting.table_of(records, ('problem', 'predictors'), measures)
    return f'{table}\n{reporting.INTERVALS}\n'

  def draw(self, records: Sequence[Record], figure: matplotlib.figure.Figure) -> None:
    """See base class."""
    problems = group(records, lambda r: r['problem'])
    rows = -(-len(problems) // _COLUMNS)
    figure.set_size_inches(4.5 * _COLUMNS, 3.6 * rows)
    panels = figure.subplots(rows, _COLUMNS, squeeze=False).flat
    for panel, (problem, runs) in zip(panels, problems.items(), strict=False):
      proposals = group(runs, lambda r: str(r['predictors']))
      regrets = [interval([float(r['regret']) for r in p]) for p in proposals.values()]
      middle = np.asarray([regret.mean for regret in regrets])
      errors = np.abs(np.asarray([r[1:] for r in regrets]).T - middle)  # [2, n]
      panel.barh(list(proposals), middle, xerr=errors, alpha=0.6)
      panel.set(title=problem, xlabel='regret')


def families_for(problem: str) -> tuple[str, ...]:
  """Returns the families that differ: of digits alone a Gaussian is a categorical."""
  is_discrete = 'discrete' in problem
  return tuple(f for f in known_families() if not (is_discrete and f == 'gaussian'))


def make_config(problem: str, proposal: str) -> QMLEConfig:
  """Returns the agent's settings for no predictors, one family, or all of them."""
  families = {NONE: (), ALL: families_for(problem)}.get(proposal, (proposal,))
  return dataclasses.replace(
    synthetic_runs.CONFIG,
    m_target=32,
    m_greedy=32,
    uniform_ratio=1.0 - _SHARE if families else 1.0,
    predictors=tuple(known_families()[f](_SHARE / len(families)) for f in families),
  )
