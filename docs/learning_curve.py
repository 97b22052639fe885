"""Draws the learning curve of a run: docs/learning_curve.py EVALUATIONS OUT TITLE."""

import json
import pathlib
import sys

import matplotlib

matplotlib.use('Agg')

import matplotlib.pyplot as plt


def main(evaluations: str, out: str, title: str) -> None:
  """Reads a run's evaluations.jsonl and writes a picture."""
  lines = pathlib.Path(evaluations).read_text().splitlines()
  records = [json.loads(line) for line in lines]
  steps = [record['actor_steps'] / 1000 for record in records]
  lowest = [min(record['episode_returns']) for record in records]
  highest = [max(record['episode_returns']) for record in records]
  means = [record['episode_return_mean'] for record in records]
  figure, axes = plt.subplots(figsize=(6.4, 3.6), layout='constrained')
  axes.fill_between(steps, lowest, highest, alpha=0.2, label='range of episodes')
  axes.plot(steps, means, marker='.', label='mean')
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
