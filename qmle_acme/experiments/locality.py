"""Local against global sampling, on landscapes from smooth to rugged."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import matplotlib.figure

from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.agents.qmle.predictors import DeltaConfig
from qmle_acme.experiments import reporting, synthetic_runs
from qmle_acme.experiments.statistics import group, interval, means
from qmle_acme.experiments.study import Record, Settings, Study


class LocalityStudy(Study):
  """Rows: what `synthetic_runs.run` returns, by ruggedness and local share.

  The local share of the candidates is drawn around the delta predictor's action, the
  rest from the whole box. There is no cache: it starts with the action that was taken,
  which may have been drawn from the whole box to explore.
  """

  seeds: ClassVar[int] = 3
  quick_seeds: ClassVar[int] = 2

  def cells(self, quick: bool) -> Sequence[Settings]:
    """See base class."""
    shares = (0.5, 1.0) if quick else (0.0, 0.1, 0.5, 0.9, 1.0)
    levels = (0.0, 1.0) if quick else (0.0, 0.25, 0.5, 0.75, 1.0)
    return [
      {'dimensions': 2, 'rugged': level, 'local': share, 'steps': 3_000}
      for level in levels
      for share in shares
    ]

  def run(self, settings: Settings) -> list[Record]:
    """See base class."""
    problem = f'box:{settings["dimensions"]}:rugged:{settings["rugged"]}'
    config = make_config(float(settings['local']))
    steps, seed = int(settings['steps']), int(settings['seed'])
    return [synthetic_runs.run(problem, config, steps, seed)]

  def table(self, records: Sequence[Record]) -> str:
    """See base class."""
    levels = sorted({float(r['rugged']) for r in records})
    rows = []
    for share, runs in sorted(group(records, lambda r: float(r['local'])).items()):
      by_level = group(runs, lambda r: float(r['rugged']))
      regrets = [interval([float(r['regret']) for r in by_level[x]]) for x in levels]
      rows.append([f'{share:.0%}', *regrets])
    table = reporting.markdown(['local share', *(f'rugged {x}' for x in levels)], rows)
    return f'{table}\nRegret. {reporting.INTERVALS}\n'

  def draw(self, records: Sequence[Record], figure: matplotlib.figure.Figure) -> None:
    """See base class."""
    axes = figure.subplots()
    for share, runs in sorted(group(records, lambda r: float(r['local'])).items()):
      label = f'{share:.0%} local'
      reporting.draw_line(axes, means(runs, by='rugged', of='regret'), label)
    axes.set(xlabel='ruggedness', ylabel='regret')
    axes.legend()


def make_config(local: float) -> QMLEConfig:
  """Returns the agent's settings for a local share of the candidates."""
  return dataclasses.replace(
    synthetic_runs.CONFIG,
    # Enough for Q to see the narrow peak; else every split is judged by a Q without it.
    learning_rate=5e-3,
    epsilon=0.5,
    m_target=20,
    m_greedy=100,
    use_cache=False,
    uniform_ratio=1.0 - local,
    predictors=(DeltaConfig(local),),
  )
