"""Draws where each predictor family proposes: docs/candidates.py FOLDER [SEED].

Trains QMLE with all five families on the bimodal bandit, a minute or two, and writes
candidates.png (three moments of the training, a column for each proposer) and
candidates.gif (all of it, a colour for each proposer) to FOLDER.
"""

import pathlib
import sys

import acme
import matplotlib

matplotlib.use('Agg')

import matplotlib.pyplot as plt
import numpy as np
import tensorflow as tf
from matplotlib import animation

from qmle_acme.agents.qmle import QMLEBuilder, QMLEConfig
from qmle_acme.agents.qmle.predictors import families
from qmle_acme.environments import bandit
from qmle_acme.experiments.training import Training

STEPS = 1_800
PERIOD = 100
SHOWN = (100, 600, 1_800)
CANDIDATES = 600  # Of a moment: 100 of each proposer.
OBSERVATION = np.ones(1, np.float32)
# Those of `qmle experiment bandit`, with a finer grid so that it can be seen.
CONFIG = QMLEConfig(
  batch_size=64,
  learning_rate=1e-2,
  samples_per_insert=64.0,
  min_replay_size=200,
  replay_size=20_000,
  epsilon=0.5,
  m_target=48,
  m_greedy=256,
  hidden_size=32,
  bins=9,
  uniform_ratio=1 / 6,
  predictors=tuple(family(1 / 6) for family in families().values()),
)
NAMES = ('uniform', *families())
COLORS = dict(zip(NAMES, ['0.35', *plt.get_cmap('tab10').colors], strict=False))


def main(folder: str, seed: str = '1') -> None:
  """Trains, and writes both pictures."""
  moments = train(int(seed))
  out = pathlib.Path(folder)
  out.mkdir(parents=True, exist_ok=True)
  draw_still(moments, out / 'candidates.png')
  draw_animation(moments, out / 'candidates.gif')


def train(seed: int) -> dict[int, dict[str, np.ndarray]]:
  """Returns, by environment step, candidates [N, 2] of each and 'chosen' [1, 2]."""
  environment = bandit.Bandit()
  builder = QMLEBuilder(CONFIG, acme.make_environment_spec(environment))
  training = Training(builder, seed)
  moments = {}

  def look(step: int) -> None:
    if step % PERIOD == 0:
      network = training.learner.state['network']
      embedding = network.embed(OBSERVATION[None])
      drawn = network.ensemble.propose(embedding, CANDIDATES, tf.constant([step, 0]))
      actions, proposers = drawn.actions[0].numpy(), drawn.proposers.numpy()
      training.greedy.update(wait=True)
      moments[step] = {
        name: actions[proposers == i] for i, name in enumerate(network.ensemble.names)
      }
      moments[step]['chosen'] = training.greedy.select_action(OBSERVATION)[None]

  training.run(environment, STEPS, look)
  return moments


def draw_still(moments: dict[int, dict[str, np.ndarray]], path: pathlib.Path) -> None:
  """Draws a row for each moment that is shown, a column for each proposer."""
  figure, axes = plt.subplots(
    len(SHOWN), len(NAMES), figsize=(12, 6.4), layout='constrained'
  )
  for row, step in zip(axes, SHOWN, strict=True):
    for panel, name in zip(row, NAMES, strict=True):
      draw_rewards(panel)
      draw_points(panel, moments[step], name)
      draw_points(panel, moments[step], 'chosen')
    row[0].set_ylabel(f'after {step:,} steps', fontsize=12)
  for panel, name in zip(axes[0], NAMES, strict=True):
    panel.set_title(name)
  figure.savefig(path, dpi=90)


def draw_animation(
  moments: dict[int, dict[str, np.ndarray]], path: pathlib.Path
) -> None:
  """Draws a frame for each moment, all proposers in one panel."""
  figure, panel = plt.subplots(figsize=(6.2, 4.4), layout='constrained')

  def draw(step: int) -> list:
    panel.clear()
    draw_rewards(panel)
    for name in (*NAMES, 'chosen'):
      draw_points(panel, moments[step], name)
    panel.set_title(f'after {step:,} environment steps')
    figure.legends.clear()
    figure.legend(*panel.get_legend_handles_labels(), loc='outside right upper')
    return []

  frames = [*moments, *[max(moments)] * 3]  # The end stands for a while.
  film = animation.FuncAnimation(figure, draw, frames=frames)
  film.save(path, animation.PillowWriter(fps=3), dpi=80)


def draw_rewards(panel: plt.Axes) -> None:
  """Draws the landscape: a wide low mode and a narrow high one."""
  line = np.linspace(-1.0, 1.0, 101)
  grid = np.stack(np.meshgrid(line, line), axis=-1)
  panel.contourf(line, line, bandit.reward(grid), levels=10, cmap='Greys', alpha=0.4)
  panel.set(
    xlim=(-1.08, 1.08), ylim=(-1.08, 1.08), aspect='equal', xticks=[], yticks=[]
  )


def draw_points(panel: plt.Axes, moment: dict[str, np.ndarray], name: str) -> None:
  """Draws the candidates of one proposer, or the greedy action as a star."""
  style = {'s': 9, 'alpha': 0.8, 'linewidths': 0, 'color': COLORS.get(name)}
  if name == 'chosen':
    style = {'s': 110, 'marker': '*', 'color': 'gold', 'edgecolors': 'black'}
  panel.scatter(*moment[name].T, label=name, **style)


if __name__ == '__main__':
  main(*sys.argv[1:])
