"""Draws what QMLE reached on tasks with hard actions: docs/hard_tasks.py OUT.

A panel for each task, from evaluations that docs/tasks.md and docs/learning.md name.
"""

import json
import pathlib
import sys
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


PANELS = (
  Panel(
    'Platform: three actions, each with parameters',
    'share of the way',
    {
      'QMLE': [f'tasks/platform-qmle-{seed}.jsonl' for seed in (1, 2, 3)],
      'D4PG, actions relaxed to a box': ['tasks/platform-relaxed-d4pg-1.jsonl'],
    },
    {'MP-DQN, after 80,000 episodes': 0.99, 'PA-DDPG, after 80,000 episodes': 0.28},
  ),
  Panel(
    'InvertedPendulum: works only here and there',
    'return of 1,000',
    {'QMLE, jagged': ['data/screening/q3c_inverted_pendulum-jagged-seed1.jsonl']},
    {},
  ),
  Panel(
    'Cart pole: 30 % of the actions work',
    'return of 1,000',
    {
      'QMLE, jagged': [
        f'data/screening/restricted_cartpole-fourier_gap_x3-seed{seed}.jsonl'
        for seed in (1, 2, 3)
      ],
      'the same without the action gap': [
        'data/screening/restricted_cartpole-fourier_x3-seed1.jsonl'
      ],
    },
    {},
  ),
  Panel(
    'Twelve switches and two dials at once',
    'return of 20',
    {
      'QMLE, strong, discount 0': ['tasks/switches12x2-strong_discount0-1.jsonl'],
      'QMLE, discount 0': ['tasks/switches12x2-discount0-1.jsonl'],
    },
    {'random': 6.7},
  ),
)


def main(out: str) -> None:
  """Reads the evaluations of all panels and writes a picture."""
  figure, grid = plt.subplots(2, 2, figsize=(9.0, 6.0), layout='constrained')
  for axes, panel in zip(grid.flat, PANELS, strict=True):
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


if __name__ == '__main__':
  main(*sys.argv[1:])
