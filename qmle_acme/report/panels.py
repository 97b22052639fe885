"""Pictures with a panel for each task: returns, the bias of Q, and proposers."""

import itertools
from collections.abc import Callable
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qmle_acme.benchmark import suites
from qmle_acme.report import published as published_lib
from qmle_acme.report import statistics
from qmle_acme.report.comparison import Comparison, largest_return
from qmle_acme.report.results import DISCOUNTED_RETURN, HIT_RATE, Q_START, WINNER
from qmle_acme.report.style import Theme, agent_style
from qmle_acme.runs.records import LEARNER_STEPS, WALL_SECONDS

_COLUMNS = 3
_PANEL_INCHES = (3.15, 2.25)
_HEAD_INCHES = 0.45
# Their interval would fill the panel: Student's t of two is 12.7 standard errors.
_RUNS_WITHOUT_BAND = 2
_STEPS = 'environment steps (thousands)'
_RETURN = 'greedy return'


def learning_curves(
  comparison: Comparison, published: pd.DataFrame, theme: Theme
) -> Figure:
  """Returns over environment steps, with published ones of the same algorithms."""

  def draw(axes: Axes, task: str) -> None:
    for agent in comparison.agents:
      style = agent_style(agent, comparison.agents, theme)
      _draw_curves(axes, comparison.curves(task, agent), agent, style)
    horizon = comparison.horizons[task]
    for agent, method in published_lib.TWINS.items():
      rows = published_lib.curve(published, task, method, horizon)
      if len(rows):
        axes.plot(
          rows['env_steps'] / 1e3,
          rows['return'],
          linestyle='none',
          marker='D',
          markersize=5,
          markerfacecolor='none',
          color=agent_style(agent, comparison.agents, theme)['color'],
          label=f'{method}, published',
        )
    axes.set_xlim(0, horizon / 1e3)
    _limit_returns(axes, task)

  return _panels(comparison.tasks, _STEPS, _RETURN, draw)


def returns_over_time(comparison: Comparison, theme: Theme) -> Figure:
  """Returns over wall time, a line per run, for time differs from run to run."""
  longest = comparison.results.evaluations[WALL_SECONDS].max()
  unit, seconds = ('hours', 3600) if longest > 2 * 3600 else ('minutes', 60)
  label = f'wall time ({unit})'
  return _returns_over(comparison, theme, WALL_SECONDS, seconds, label)


def returns_over_learner_steps(comparison: Comparison, theme: Theme) -> Figure:
  """Returns over learner steps, a line per run, for they may differ as time does."""
  label = 'learner steps (thousands)'
  return _returns_over(comparison, theme, LEARNER_STEPS, 1000, label)


def q_bias(comparison: Comparison, theme: Theme) -> Figure:
  """What Q promises at the start of greedy episodes, less what they then bring."""

  def draw(axes: Axes, task: str) -> None:
    axes.axhline(0, color=theme.ink, linewidth=0.8, linestyle=':')
    for agent in comparison.agents:
      promised = comparison.curves(task, agent, Q_START)
      bias = promised - comparison.curves(task, agent, DISCOUNTED_RETURN)
      style = agent_style(agent, comparison.agents, theme)
      _draw_curves(axes, bias.dropna(axis='columns', how='all'), agent, style)
    axes.set_xlim(0, comparison.horizons[task] / 1e3)

  known = with_q(comparison.results.evaluations)
  tasks = [task for task in comparison.tasks if task in set(known['task'])]
  return _panels(tasks, _STEPS, 'Q less discounted return', draw)


def with_q(evaluations: pd.DataFrame) -> pd.DataFrame:
  """Returns the evaluations that say what Q has promised and what came."""
  names = [Q_START, DISCOUNTED_RETURN]
  return evaluations.reindex(columns=['task', *names]).dropna()


def proposer_names(evaluations: pd.DataFrame) -> list[str]:
  """Returns the columns of the proposers' shares, uniform sampling first."""
  names = [name for name in evaluations if name.startswith(WINNER)]
  return sorted(names, key=lambda name: (name != f'{WINNER}uniform', name))


def proposers(comparison: Comparison, agent: str, theme: Theme) -> Figure:
  """Shares of the arg maxima that each proposer has won, and the cache's hit rate."""
  names = proposer_names(comparison.results.evaluations)

  def draw(axes: Axes, task: str) -> None:
    for name, color in zip(names, itertools.cycle(theme.parts)):
      # Not stacked: several who have proposed the winner have all won.
      share = comparison.curves(task, agent, name).mean(axis=1).dropna()
      label = name.removeprefix(WINNER)
      axes.plot(share.index / 1e3, share, color=color, linewidth=1.8, label=label)
    hits = comparison.curves(task, agent, HIT_RATE).mean(axis=1).dropna()
    axes.plot(
      hits.index / 1e3, hits, color=theme.ink, linewidth=1.4, label='cache hit rate'
    )
    axes.set_xlim(0, comparison.horizons[task] / 1e3)
    axes.set_ylim(0, 1)

  known = comparison.results.evaluations.dropna(subset=names, how='all')
  tasks = [task for task in comparison.tasks if task in set(known['task'])]
  return _panels(tasks, _STEPS, 'share of arg maxima', draw)


def task_title(task: str) -> str:
  """Returns a short name of a task, with its action dimensions if a suite says them."""
  sizes = suites.sizes()
  short = task.removeprefix('control:')
  return f'{short} ({sizes[task]}-D)' if task in sizes else short


def _returns_over(
  comparison: Comparison, theme: Theme, value: str, unit: float, label: str
) -> Figure:
  """Returns over a column of the evaluations, in a unit of it, a line per run."""

  def draw(axes: Axes, task: str) -> None:
    for agent in comparison.agents:
      returns = comparison.curves(task, agent)
      values = comparison.curves(task, agent, value) / unit
      style = agent_style(agent, comparison.agents, theme) | {'linewidth': 1.2}
      for index, run in enumerate(returns):
        name = agent if index == 0 else None
        axes.plot(values[run], returns[run], label=name, **style)
    axes.set_xlim(left=0)
    _limit_returns(axes, task)

  return _panels(comparison.tasks, label, _RETURN, draw)


def _draw_curves(axes: Axes, curves: pd.DataFrame, agent: str, style: dict) -> None:
  """Draws the mean where all runs are, its interval, and each run as a thin line."""
  if curves.empty:
    return
  color = style['color']
  common = curves.dropna()  # Or the mean would be of fewer runs, and so of others.
  steps = common.index / 1e3
  estimate = statistics.mean(common.to_numpy().T)
  if len(curves.columns) > _RUNS_WITHOUT_BAND:
    axes.fill_between(
      steps, estimate.low, estimate.high, color=color, alpha=0.13, linewidth=0
    )
  if len(curves.columns) > 1:
    for run in curves:
      axes.plot(curves.index / 1e3, curves[run], color=color, linewidth=0.6, alpha=0.55)
  axes.plot(steps, estimate.value, label=agent, **style)


def _limit_returns(axes: Axes, task: str) -> None:
  largest = largest_return(task)
  if largest:
    axes.set_ylim(-0.02 * largest, 1.02 * largest)


def _panels(
  tasks: list[str], x_label: str, y_label: str, draw: Callable[[Axes, str], None]
) -> Figure:
  """Returns a figure with a panel for each task, and one legend for all."""
  columns = min(_COLUMNS, len(tasks))
  rows = -(-len(tasks) // columns)
  width, height = _PANEL_INCHES
  figure, grid = plt.subplots(
    rows,
    columns,
    figsize=(max(columns * width, 4.4), rows * height + _HEAD_INCHES),
    squeeze=False,
    layout='constrained',
  )
  labelled: dict[str, Any] = {}
  for axes, task in zip(grid.flat, tasks, strict=False):
    draw(axes, task)
    axes.set_title(task_title(task))
    handles, labels = axes.get_legend_handles_labels()
    labelled |= dict(zip(labels, handles, strict=True))
  for axes in list(grid.flat)[len(tasks) :]:
    axes.remove()
  for row, column in np.ndindex(rows, columns):
    if row * columns + column + columns >= len(tasks):  # Nothing below it.
      grid[row, column].set_xlabel(x_label)
    if column == 0:
      grid[row, column].set_ylabel(y_label)
  figure.legend(
    labelled.values(),
    labelled.keys(),
    loc='outside upper left',
    ncols=min(len(labelled), 3 * columns),
  )
  return figure
