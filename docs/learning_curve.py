"""Draws learning curves: docs/learning_curve.py OUT TITLE EVALUATIONS...

Each of EVALUATIONS is the evaluations.jsonl of a run; its name, without that of the
picture, names the curve.
"""

import json
import pathlib
import sys

import matplotlib

matplotlib.use('Agg')

import matplotlib.pyplot as plt


def main(out: str, title: str, *evaluations: str) -> None:
  """Reads runs' evaluations and writes a picture."""
  figure, axes = plt.subplots(figsize=(7.0, 3.4), layout='constrained')
  for path in map(pathlib.Path, evaluations):
    records = [json.loads(line) for line in path.read_text().splitlines()]
    steps = [record['actor_steps'] / 1000 for record in records]
    lowest = [min(record['episode_returns']) for record in records]
    highest = [max(record['episode_returns']) for record in records]
    means = [record['episode_return_mean'] for record in records]
    label = path.stem.removeprefix(pathlib.Path(out).stem).replace('_', ' ')
    (line,) = axes.plot(steps, means, marker='.', label=label)
    axes.fill_between(steps, lowest, highest, alpha=0.15, color=line.get_color())
  axes.set(
    title=title,
    xlabel='environment steps (thousands)',
    ylabel='greedy return, mean and range',
    ylim=(0, 1000),
  )
  axes.grid(alpha=0.3)
  axes.legend(loc='upper left')
  figure.savefig(out, dpi=150)


if __name__ == '__main__':
  main(*sys.argv[1:])
