"""The tables of a report, as text: the same for the page and for Markdown."""

import itertools
import json
from typing import NamedTuple

import numpy as np
import pandas as pd

from qmle_acme.report import aggregates, statistics
from qmle_acme.report import published as published_lib
from qmle_acme.report.comparison import Comparison, largest_return
from qmle_acme.report.panels import task_title

_NONE = '-'
# In one piece where a line is broken.
_INTERVAL = '(95\u00a0%\u00a0interval)'
_TWINS_FIRST = ('D4PG', 'DMPO', 'MPO', 'SAC')


class Table(NamedTuple):
  """A table.

  Attributes:
    columns: the heads; the first column names the row.
    rows: of texts; as many as there are columns.
    caption: what the numbers are, with their units.
  """

  columns: list[str]
  rows: list[list[str]]
  caption: str


def final_returns(comparison: Comparison) -> Table:
  """Mean greedy return at the horizon, by task and agent."""
  rows = [
    [
      task_title(task),
      f'{comparison.horizons[task]:,}',
      *(_final_return(comparison, task, agent) for agent in comparison.agents),
    ]
    for task in comparison.tasks
  ]
  return Table(
    ['task', 'steps', *comparison.agents],
    rows,
    'Greedy return at that many environment steps: mean over runs ± half of the 95 % '
    "interval (Student's t), and the number of runs. In brackets: the last return of "
    'runs that have not come so far, with their steps.',
  )


def aggregate_scores(comparison: Comparison) -> Table:
  """Interquartile mean at the horizon, by agent."""
  rows = []
  for agent in comparison.agents:
    scores = comparison.scores(agent)
    estimate = statistics.interquartile_mean(scores)
    rows.append([agent, _interval(estimate), str(scores.shape[0])])
  return Table(
    ['agent', f'interquartile mean {_INTERVAL}', 'runs per task'],
    rows,
    'Score (share of the largest return) at the last step of each task.',
  )


def improvements(comparison: Comparison) -> Table:
  """Probability of improvement, for every two agents."""
  rows = []
  for ours, theirs in aggregates.pairs(comparison.agents):
    estimate = statistics.probability_of_improvement(
      comparison.scores(ours), comparison.scores(theirs)
    )
    rows.append([f'{ours} over {theirs}', _interval(estimate)])
  return Table(
    ['agents', f'probability {_INTERVAL}'],
    rows,
    'Probability that a run of the first beats one of the second on a task at random.',
  )


def costs(comparison: Comparison) -> Table:
  """Wall time, CPU time and learner steps of runs that have finished."""
  runs = comparison.results.runs
  finished = runs[runs['state'] == 'finished']
  rows = []
  for task, agent in itertools.product(comparison.tasks, comparison.agents):
    group = finished[(finished['task'] == task) & (finished['agent'] == agent)]
    if group.empty:
      continue
    steps = group['actor_steps'].mean()
    cpu = group['cpu_seconds'].mean()
    rows.append(
      [
        task_title(task),
        agent,
        str(len(group)),
        f'{steps:,.0f}',
        f'{group["learner_steps"].mean():,.0f}',
        _number(group['wall_seconds'].mean() / 60, '.1f'),
        _number(cpu / 60, '.1f'),
        _number(1e3 * cpu / steps if steps else np.nan, '.1f'),
      ]
    )
  return Table(
    ['task', 'agent', 'runs', 'environment steps', 'learner steps']
    + ['wall time (min)', 'CPU time (min)', 'CPU per environment step (ms)'],
    rows,
    'Means over finished runs. CPU time is that of all processes of a run, evaluation '
    'and start included; wall time depends on what else the machine did.',
  )


def published_returns(comparison: Comparison, published: pd.DataFrame) -> Table:
  """Published returns beside ours, at the last published step that we reach."""
  table = published_lib.at(published, comparison.horizons)
  methods = [name for name in table if name != 'env_steps']
  methods.sort(key=lambda name: (name not in _TWINS_FIRST, name))
  rows = []
  for task in comparison.tasks:
    if task not in table.index:
      continue
    step = int(table.loc[task, 'env_steps'])
    ours = (_at_step(comparison, task, agent, step) for agent in comparison.agents)
    theirs = (_number(table.loc[task, method], '.0f') for method in methods)
    rows.append([task_title(task), f'{step:,}', *ours, *theirs])
  return Table(
    ['task', 'steps', *comparison.agents, *(f'{name}*' for name in methods)],
    rows,
    'Mean return. *: published by others, with their settings and ways of evaluating.',
  )


def versions(runs: pd.DataFrame) -> Table:
  """What the runs were made with; more than one value where they differ."""
  values: dict[str, set[str]] = {}
  for run in runs.to_dict('records'):
    own = {'hardware': run['hardware'], 'commit of qmle_acme': run['revision']}
    for name, value in (own | json.loads(run['versions'])).items():
      # One value for each part of a run.
      values.setdefault(name, set()).update((value or 'not recorded').split('; '))
  rows = [[name, '; '.join(sorted(found))] for name, found in values.items()]
  return Table(['what', 'version'], rows, 'Of all runs, as each has recorded it.')


def _final_return(comparison: Comparison, task: str, agent: str) -> str:
  returns = comparison.final_returns(task, agent)
  if len(returns):
    return f'{_mean(task, returns)} ({len(returns)})'
  finals = comparison.finals
  own = finals[(finals['task'] == task) & (finals['agent'] == agent)]
  known = own.dropna(subset='final_return')
  parts = [
    f'{run["final_return"]:.{_digits(task)}f} at {run["step"]:,}'
    for run in known.to_dict('records')
  ]
  return f'({", ".join(parts)})' if parts else _NONE


def _mean(task: str, returns: np.ndarray) -> str:
  estimate = statistics.mean(returns)
  digits = _digits(task)
  text = f'{estimate.value:.{digits}f}'
  if np.isnan(estimate.high):
    return text
  return f'{text} ± {estimate.high - estimate.value:.{digits}f}'


def _at_step(comparison: Comparison, task: str, agent: str, step: int) -> str:
  """Returns the mean return of an agent at the last evaluation up to a step."""
  curves = comparison.curves(task, agent)
  until = curves[curves.index <= step].dropna(how='all')
  if until.empty or curves.index.max() < step:
    return _NONE
  return f'{until.iloc[-1].mean():.{_digits(task)}f}'


def _digits(task: str) -> int:
  """Returns the decimals of a return that mean something."""
  return 0 if (largest_return(task) or 0) > 10 else 2


def _interval(estimate: statistics.Estimate) -> str:
  text = f'{estimate.value:.2f}'
  if np.isnan(estimate.low):
    return f'{text} (one run: no interval)'
  return f'{text} ({estimate.low:.2f} to {estimate.high:.2f})'


def _number(value: float, form: str) -> str:
  return _NONE if pd.isna(value) else format(value, form)
