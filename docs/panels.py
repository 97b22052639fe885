"""Panels of learning curves, drawn from evaluations in this folder."""

import json
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import matplotlib

matplotlib.use('Agg')

import matplotlib.pyplot as plt

DOCS = pathlib.Path(__file__).parent


class Panel(NamedTuple):
  """A task: its runs by who made them, and values to lay beside."""

  title: str
  unit: str
  runs: dict[str, list[str]]
  lines: dict[str, float]


def save(panels: Sequence[Panel], columns: int, out: str) -> None:
  """Writes a picture of all panels, so many beside each other."""
  rows = -(-len(panels) // columns)
  size = 4.5 * columns, 3.0 * rows
  figure, grid = plt.subplots(rows, columns, figsize=size, layout='constrained')
  for axes, panel in zip(grid.flat, panels, strict=True):
    draw(axes, panel)
  figure.savefig(out, dpi=150)


def draw(axes: plt.Axes, panel: Panel) -> None:
  """Draws a curve for each run; those of one name have one colour."""
  for index, (label, files) in enumerate(panel.runs.items()):
    for file in files:
      lines = (DOCS / file).read_text().splitlines()
      records = [json.loads(line) for line in lines]
      steps = [record['actor_steps'] / 1000 for record in records]
      returns = [record['episode_return_mean'] for record in records]
      axes.plot(steps, returns, marker='.', color=f'C{index}', label=label)
      label = None  # One entry for all seeds.
  for index, (label, value) in enumerate(panel.lines.items()):
    axes.axhline(value, color='gray', linestyle=('--', ':')[index], label=label)
  axes.set(title=panel.title, xlabel='environment steps (thousands)', ylabel=panel.unit)
  axes.grid(alpha=0.3)
  axes.legend(fontsize='small')
