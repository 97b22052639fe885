"""The compiled arg max against the plain layers: what learning makes of either."""

from collections.abc import Sequence
from typing import ClassVar

import matplotlib.figure
import tensorflow as tf

from qmle_acme.agents.qmle import QMLEBuilder, QMLEConfig
from qmle_acme.agents.qmle.networks import QMLENetwork
from qmle_acme.experiments import control_runs
from qmle_acme.experiments.study import Record, Settings, Study
from qmle_acme.types import Tensor

TASKS = ('control:cartpole:swingup', 'control:walker:walk')
# Half of the default batches and target candidates, and 300 candidates to act by in
# place of 1,000: the plain layers take their time.
_CONFIG = QMLEConfig(
  batch_size=128,
  samples_per_insert=12.8,
  m_target=50,
  m_greedy=300,
  replay_size=100_000,
)


class PlainNetwork(QMLENetwork):
  """Evaluates all candidates by the layers that learn, in float32."""

  def argmax_of(self, embeddings: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    """See base class."""
    values = self.q_values(embeddings, actions)
    return tf.argmax(values, axis=-1, output_type=tf.int32), tf.reduce_max(values, -1)


class PlainBuilder(QMLEBuilder):
  """Makes the parts of QMLE with the plain arg max."""

  network_class = PlainNetwork


FORMS: dict[str, type[QMLEBuilder]] = {'compiled': QMLEBuilder, 'plain': PlainBuilder}


class ExactnessStudy(Study):
  """Rows: what `control_runs.run` returns, by task and form of the arg max."""

  seeds: ClassVar[int] = 6
  quick_seeds: ClassVar[int] = 1
  batch: ClassVar[int] = 1

  def cells(self, quick: bool) -> Sequence[Settings]:
    """See base class."""
    tasks, steps = (TASKS[:1], 3_000) if quick else (TASKS, 40_000)
    return [
      {'task': task, 'form': form, 'steps': steps} for task in tasks for form in FORMS
    ]

  def run(self, settings: Settings) -> list[Record]:
    """See base class."""
    steps, seed = int(settings['steps']), int(settings['seed'])
    agent = FORMS[str(settings['form'])]
    return control_runs.run(str(settings['task']), _CONFIG, steps, seed, agent)

  def table(self, records: Sequence[Record]) -> str:
    """See base class."""
    return control_runs.table(records)

  def draw(self, records: Sequence[Record], figure: matplotlib.figure.Figure) -> None:
    """See base class."""
    control_runs.draw(records, figure)
