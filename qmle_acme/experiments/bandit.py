"""The continuous bandit: who finds the narrow high mode (arXiv 2410.06317).

Four agents with the same network, replay and exploration, which differ in how they
maximise: DPG climbs Q from its policy's action; QMLE with local sampling takes the best
of candidates around its delta predictor's action; QMLE with global sampling draws half
of the candidates from the whole box. Only the fourth, QMLE as it is, has a cache too:
it starts with the action that was taken, which may have been drawn from the whole box
to explore, and so would be no local sampling.
"""

import dataclasses
from collections.abc import Sequence
from typing import ClassVar

import acme
import matplotlib.figure
import numpy as np
import tensorflow as tf
from matplotlib.axes import Axes

from qmle_acme.agents import AgentBuilder
from qmle_acme.agents.qmle import QMLEBuilder, QMLEConfig
from qmle_acme.agents.qmle.predictors import DeltaConfig
from qmle_acme.environments import bandit
from qmle_acme.experiments import reporting
from qmle_acme.experiments.dpg import DPGBuilder
from qmle_acme.experiments.statistics import group, interval, means
from qmle_acme.experiments.study import Record, Settings, Study
from qmle_acme.experiments.training import Training

METHODS = {
  'dpg': 'DPG',
  'local': 'QMLE, local sampling',
  'global': 'QMLE, global sampling',
  'cached': 'QMLE, global sampling, cache',
}
# A greedy action is in the narrow mode if its reward beats the top of the wide one.
SUCCESS = bandit.WIDE.height + 0.01
_CONFIG = QMLEConfig(
  batch_size=64,
  learning_rate=1e-2,
  samples_per_insert=64.0,
  min_replay_size=200,
  replay_size=20_000,
  epsilon=0.5,
  m_target=16,
  m_greedy=256,
  hidden_size=32,
)
_PERIOD = 100
_CANDIDATES = 8
_OBSERVATION = np.ones(1, np.float32)


class BanditStudy(Study):
  """Rows: step, kind ('chosen' by the greedy agent, 'candidate'), x, y, reward."""

  seeds: ClassVar[int] = 20
  quick_seeds: ClassVar[int] = 2

  def cells(self, quick: bool) -> Sequence[Settings]:
    """See base class."""
    return [{'method': method, 'steps': 1_800} for method in METHODS]

  def run(self, settings: Settings) -> list[Record]:
    """See base class."""
    environment = bandit.Bandit()
    spec = acme.make_environment_spec(environment)
    builder = make_builder(str(settings['method']), spec)
    training = Training(builder, int(settings['seed']))
    records: list[Record] = []

    def look(step: int) -> None:
      if step % _PERIOD == 0:
        training.greedy.update(wait=True)
        chosen = training.greedy.select_action(_OBSERVATION)
        records.append(_row(step, 'chosen', chosen))
        if settings['method'] != 'dpg':
          records.extend(_row(step, 'candidate', c) for c in _propose(training, step))

    training.run(environment, int(settings['steps']), look)
    return records

  def table(self, records: Sequence[Record]) -> str:
    """See base class."""
    chosen = [record for record in records if record['kind'] == 'chosen']
    last = max(record['step'] for record in chosen)
    final = group([r for r in chosen if r['step'] == last], lambda r: r['method'])
    rows = [
      [
        title,
        len(final[method]),
        interval([_is_success(r) for r in final[method]]),
        interval([float(r['reward']) for r in final[method]]),
      ]
      for method, title in METHODS.items()
    ]
    table = reporting.markdown(['agent', 'seeds', 'success rate', 'reward'], rows)
    return (
      f'{table}\nGreedy action after {last:,} steps; success: reward over {SUCCESS}. '
      f'{reporting.INTERVALS}\n'
    )

  def draw(self, records: Sequence[Record], figure: matplotlib.figure.Figure) -> None:
    """See base class."""
    figure.set_size_inches(18, 4.4)
    axes = figure.subplots(1, len(METHODS) + 1)
    groups = group(records, lambda r: r['method'])
    for (method, title), landscape in zip(METHODS.items(), axes[:-1], strict=True):
      runs = groups[method]
      _draw_run([r for r in runs if r['seed'] == 1], landscape)
      landscape.set_title(f'{title}, seed 1')
      chosen = [{**r, 'success': _is_success(r)} for r in runs if r['kind'] == 'chosen']
      rates = means(chosen, by='step', of='success')
      reporting.draw_line(axes[-1], rates, title)
    axes[-1].set(title='success rate', xlabel='environment steps', ylim=(-0.05, 1.05))
    # Below the panel, where it hides no line.
    axes[-1].legend(loc='upper center', bbox_to_anchor=(0.5, -0.15), fontsize='small')


def make_builder(method: str, spec: acme.specs.EnvironmentSpec) -> AgentBuilder:
  """Returns the agent of a method."""
  if method == 'dpg':
    return DPGBuilder(_CONFIG, spec)
  share = 1.0 if method == 'local' else 0.5
  predictors = (DeltaConfig(share),)
  config = dataclasses.replace(
    _CONFIG,
    uniform_ratio=1.0 - share,
    predictors=predictors,
    use_cache=method == 'cached',
  )
  return QMLEBuilder(config, spec)


def _propose(training: Training, step: int) -> np.ndarray:
  """Returns some candidates [_CANDIDATES, 2] such as the agent chooses from."""
  network = training.learner.state['network']
  embeddings = network.embed(_OBSERVATION[None])
  seed = tf.constant([step, 0])
  return network.ensemble.propose(embeddings, _CANDIDATES, seed).actions[0].numpy()


def _row(step: int, kind: str, action: np.ndarray) -> Record:
  x, y, reward = (round(float(v), 4) for v in (*action, bandit.reward(action)))
  return {'step': step, 'kind': kind, 'x': x, 'y': y, 'reward': reward}


def _is_success(record: Record) -> float:
  return float(float(record['reward']) > SUCCESS)


def _draw_run(records: Sequence[Record], axes: Axes) -> None:
  """Draws candidates and chosen actions, the later the darker, on the rewards."""
  line = np.linspace(-1.0, 1.0, 101)
  grid = np.stack(np.meshgrid(line, line), axis=-1)
  axes.contourf(line, line, bandit.reward(grid), levels=12, cmap='Greys', alpha=0.5)
  for kind, size, marker in (('candidate', 5, '.'), ('chosen', 45, '*')):
    points = [r for r in records if r['kind'] == kind]
    axes.scatter(
      [p['x'] for p in points],
      [p['y'] for p in points],
      c=[p['step'] for p in points],
      s=size,
      marker=marker,
      cmap='viridis_r',
      label=kind,
    )
  axes.set(xlim=(-1.05, 1.05), ylim=(-1.05, 1.05), aspect='equal')
  axes.legend(loc='upper left')
