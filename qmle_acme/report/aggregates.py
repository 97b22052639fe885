"""Pictures of all common tasks together: interquartile means, profiles, improvement."""

import itertools

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from qmle_acme.report import statistics
from qmle_acme.report.comparison import Comparison
from qmle_acme.report.style import Theme, agent_style
from qmle_acme.types import Array

_THRESHOLDS = np.linspace(0.0, 1.0, 101)
_INCHES = (9.45, 3.0)


def over_tasks(comparison: Comparison, theme: Theme) -> Figure:
  """The interquartile mean over steps, and the performance profile at the end."""
  figure, (left, right) = plt.subplots(1, 2, figsize=_INCHES, layout='constrained')
  steps = comparison.score_steps() / 1e3
  for agent in comparison.agents:
    style = agent_style(agent, comparison.agents, theme)
    curves = statistics.interquartile_mean(comparison.score_curves(agent))
    _draw(left, steps, curves, agent, style)
    profile = statistics.performance_profile(comparison.scores(agent), _THRESHOLDS)
    _draw(right, _THRESHOLDS, profile, None, style)
  left.set(
    title='Interquartile mean',
    xlabel='environment steps (thousands)',
    ylabel='score (share of the largest return)',
    xlim=(0, steps[-1]),
    ylim=(0, 1),
  )
  right.set(
    title='Performance profile',
    xlabel='score (share of the largest return)',
    ylabel='share of runs above it',
    xlim=(0, 1),
    ylim=(0, 1.02),
  )
  figure.legend(loc='outside upper left', ncols=6)
  return figure


def pairs(agents: list[str]) -> list[tuple[str, str]]:
  """Returns every two agents, once."""
  return list(itertools.combinations(agents, 2))


def improvement(comparison: Comparison, theme: Theme) -> Figure:
  """How probably one agent's run beats another's, for every two agents."""
  names = pairs(comparison.agents)
  figure, axes = plt.subplots(
    figsize=(6.4, 0.9 + 0.42 * len(names)), layout='constrained'
  )
  for row, (ours, theirs) in enumerate(names):
    estimate = statistics.probability_of_improvement(
      comparison.scores(ours), comparison.scores(theirs)
    )
    color = agent_style(ours, comparison.agents, theme)['color']
    axes.plot([estimate.low, estimate.high], [row, row], color=color, linewidth=5)
    axes.plot(
      estimate.value, row, marker='|', markersize=15, color=theme.ink, clip_on=False
    )
  axes.axvline(0.5, color=theme.ink, linewidth=0.8, linestyle=':')
  axes.set(
    xlabel='probability that a run of the first beats one of the second',
    xlim=(0, 1),
    yticks=range(len(names)),
    yticklabels=[f'{ours} over {theirs}' for ours, theirs in names],
    ylim=(len(names) - 0.5, -0.5),
  )
  return figure


def _draw(
  axes: Axes, x: Array, estimate: statistics.Estimate, label: str | None, style: dict
) -> None:
  """Draws an estimate with its interval."""
  axes.fill_between(
    x, estimate.low, estimate.high, color=style['color'], alpha=0.15, linewidth=0
  )
  axes.plot(x, estimate.value, label=label, **style)
