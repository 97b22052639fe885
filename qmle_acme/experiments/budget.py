"""Pendulum and the sampling budget: return and cost by m_target and m_greedy."""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import matplotlib.figure

from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.experiments import control_runs, reporting, synthetic_runs
from qmle_acme.experiments.statistics import means
from qmle_acme.experiments.study import Record, Settings, Study

# Only near the top there is a reward, where actions that change every 20 ms at random
# do not lead: for as long as nobody has been there, nothing can be learned.
ENVIRONMENT = 'repeat:8:control:pendulum:swingup'
_FIXED = 200
_CONFIG = QMLEConfig(
  batch_size=64,
  learning_rate=1e-3,
  samples_per_insert=32.0,
  min_replay_size=500,
  replay_size=100_000,
  hidden_size=64,
  # They give each proposer its candidates in a small budget too.
  uniform_ratio=synthetic_runs.CONFIG.uniform_ratio,
  predictors=synthetic_runs.CONFIG.predictors,
)


class BudgetStudy(Study):
  """Rows: what `control_runs.run` returns, by m_target and m_greedy."""

  seeds: ClassVar[int] = 5
  quick_seeds: ClassVar[int] = 1

  def cells(self, quick: bool) -> Sequence[Settings]:
    """See base class."""
    budgets = (2, 2_000) if quick else (2, 20, _FIXED, 2_000)
    steps = 1_000 if quick else 10_000
    pairs = [(m, m) for m in budgets]
    if not quick:  # Each by itself too, with the other one at a fixed value.
      pairs += [(m, _FIXED) for m in budgets] + [(_FIXED, m) for m in budgets]
      pairs = list(dict.fromkeys(pairs))
    return [{'m_target': m, 'm_greedy': n, 'steps': steps} for m, n in pairs]

  def run(self, settings: Settings) -> list[Record]:
    """See base class."""
    steps, seed = int(settings['steps']), int(settings['seed'])
    config = dataclasses.replace(
      _CONFIG, m_target=int(settings['m_target']), m_greedy=int(settings['m_greedy'])
    )
    return control_runs.run(ENVIRONMENT, config, steps, seed)

  def table(self, records: Sequence[Record]) -> str:
    """See base class."""
    budgets = ('m_target', 'm_greedy')
    ordered = sorted(records, key=lambda r: [int(r[name]) for name in budgets])
    return f'On {ENVIRONMENT}:\n\n{control_runs.table(ordered, budgets)}'

  def draw(self, records: Sequence[Record], figure: matplotlib.figure.Figure) -> None:
    """See base class."""
    figure.set_size_inches(14, 3.6)
    panels = figure.subplots(1, 3)
    final = control_runs.final(records)
    together = [r for r in final if r['m_target'] == r['m_greedy']]
    target = [r for r in final if r['m_greedy'] == _FIXED]
    greedy = [r for r in final if r['m_target'] == _FIXED]
    lines = (
      (together, 'm_target', 'm_target = m_greedy = m'),
      (target, 'm_target', f'm_target = m, m_greedy = {_FIXED}'),
      (greedy, 'm_greedy', f'm_target = {_FIXED}, m_greedy = m'),
    )
    for runs, by, label in lines:
      if not runs:  # The short form has the first line alone.
        continue
      reporting.draw_line(panels[0], means(runs, by=by, of='return'), label)
    reporting.draw_line(panels[1], means(final, by='m_greedy', of='decision_ms'), '')
    costs = means(final, by='m_target', of='learner_step_ms')
    reporting.draw_line(panels[2], costs, '')
    panels[0].set(title='return', xlabel='m', xscale='log')
    panels[0].legend(fontsize='small')
    panels[1].set(title='CPU ms per decision', xlabel='m_greedy', xscale='log')
    panels[2].set(title='CPU ms per learner step', xlabel='m_target', xscale='log')
