"""Draws the learning curve of a run: docs/learning_curve.py EVALUATIONS OUT TITLE."""

import sys

import matplotlib

matplotlib.use('Agg')

import matplotlib.pyplot as plt
import pandas as pd


def main(evaluations: str, out: str, title: str) -> None:
  """Reads a run's evaluations.jsonl and writes a picture."""
  runs = pd.read_json(evaluations, lines=True)
  steps = runs['actor_steps'] / 1000
  lowest, highest = runs['episode_returns'].map(min), runs['episode_returns'].map(max)
  figure, axes = plt.subplots(figsize=(6.4, 3.6), layout='constrained')
  axes.fill_between(steps, lowest, highest, alpha=0.2, label='range of episodes')
  axes.plot(steps, runs['episode_return_mean'], marker='.', label='mean')
  axes.set(
    title=title,
    xlabel='environment steps (thousands)',
    ylabel='greedy return',
    ylim=(0, 1000),
  )
  axes.grid(alpha=0.3)
  axes.legend(loc='lower right')
  figure.savefig(out, dpi=110)


if __name__ == '__main__':
  main(*sys.argv[1:])
