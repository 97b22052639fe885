"""A run on a task with long episodes: returns along the way, and what steps cost.

Studies that compare forms of an agent on tasks show them all in one way.
"""

import threading
from collections.abc import Sequence

import acme
import matplotlib.figure
import numpy as np
from matplotlib.axes import Axes

from qmle_acme import environments
from qmle_acme.agents.qmle import QMLEBuilder, QMLEConfig
from qmle_acme.experiments import reporting
from qmle_acme.experiments.statistics import group, means
from qmle_acme.experiments.study import Record
from qmle_acme.experiments.training import Training
from qmle_acme.runs import evaluation

# Learns such a task in few steps.
CONFIG = QMLEConfig(
  batch_size=128, learning_rate=1e-3, min_replay_size=500, replay_size=100_000
)
# Greedy episodes of an evaluation, always from the same states.
EPISODES = 3
_EVALUATIONS = 4


def run(
  name: str,
  config: QMLEConfig,
  steps: int,
  seed: int,
  agent: type[QMLEBuilder] = QMLEBuilder,
) -> list[Record]:
  """Returns a row for each evaluation: step and return; and the costs in each of them.

  Args:
    name: of the environment.
    config: of the agent.
    steps: environment steps.
    seed: of everything.
    agent: QMLE, or what is made of its parts.

  Raises:
    UserError: the agent cannot act in such an environment.
  """
  environment = environments.make(name, seed)
  builder = agent(config, acme.make_environment_spec(environment))
  training = Training(builder, seed)
  returns: list[Record] = []
  costs: Record = {}

  def measure(step: int) -> None:
    if step % (steps // _EVALUATIONS) == 0:
      returns.append({'step': step, 'return': _evaluate(training, name)})
    if step == steps:
      size = int(np.prod(environment.observation_spec().shape))
      costs.update(training.costs(np.zeros(size, np.float32)))

  training.run(environment, steps, measure)
  return [{**record, **costs} for record in returns]


def _evaluate(training: Training, name: str) -> float:
  """Returns the mean return of greedy episodes."""
  training.greedy.update(wait=True)
  with environments.make(name, seed=0) as environment:
    returns = evaluation.evaluate(
      training.greedy, environment, EPISODES, threading.Event()
    )
  return round(float(np.mean(returns)), 3)


def final(records: Sequence[Record]) -> list[Record]:
  """Returns the rows of last evaluations."""
  return [r for r in records if r['step'] == r['steps']]


def table(records: Sequence[Record], by: Sequence[str] = ('task', 'form')) -> str:
  """Returns last return and costs of rows by these of their fields, in Markdown."""
  last = final(records)
  steps = int(last[0]['steps'])
  measures = {'return': 'return', **reporting.COSTS}
  return (
    f'{reporting.table_of(last, by, measures)}\n'
    f'Greedy return of {EPISODES} episodes after {steps:,} steps. '
    f'{reporting.INTERVALS}\n'
  )


def draw(records: Sequence[Record], figure: matplotlib.figure.Figure) -> None:
  """Draws the returns of rows by `task` and `form`, a panel for each task."""
  tasks = group(records, lambda r: r['task'])
  figure.set_size_inches(5.5 * len(tasks), 3.8)
  panels = figure.subplots(1, len(tasks), squeeze=False)[0]
  forms = list(dict.fromkeys(str(r['form']) for r in records))
  for panel, runs in zip(panels, tasks.values(), strict=True):
    draw_returns(panel, runs, forms)


def draw_returns(panel: Axes, records: Sequence[Record], forms: Sequence[str]) -> None:
  """Draws the returns of rows of one `task` by `form`.

  Args:
    panel: to draw on.
    records: the rows.
    forms: of all panels, each of which has one colour in all of them.
  """
  for form, runs in group(records, lambda r: str(r['form'])).items():
    returns = means(runs, by='step', of='return')
    reporting.draw_line(panel, returns, form, f'C{forms.index(form)}')
  panel.set(
    title=records[0]['task'], xlabel='environment steps', ylabel='greedy return'
  )
  panel.legend(fontsize='small')
