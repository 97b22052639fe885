"""The compiled arg max against the plain layers: what learning makes of either."""

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import matplotlib.figure

from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.experiments import control_runs
from qmle_acme.experiments.study import Record, Settings, Study

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


FORMS = ('compiled', 'plain')


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
    form: Any = settings['form']
    config = dataclasses.replace(_CONFIG, argmax=form)
    return control_runs.run(str(settings['task']), config, steps, seed)

  def table(self, records: Sequence[Record]) -> str:
    """See base class."""
    return control_runs.table(records)

  def draw(self, records: Sequence[Record], figure: matplotlib.figure.Figure) -> None:
    """See base class."""
    control_runs.draw(records, figure)
