"""Ten to a billion discrete actions: regret, time and memory."""

import pathlib
from collections.abc import Sequence
from typing import ClassVar

import matplotlib.figure

from qmle_acme.experiments import reporting, synthetic_runs
from qmle_acme.experiments.statistics import means
from qmle_acme.experiments.study import Record, Settings, Study

_MEASURES = {
  'regret': 'regret',
  **reporting.COSTS,
  'parameters': 'parameters',
  'memory_mb': 'MB',
}


class CardinalityStudy(Study):
  """Rows: what `synthetic_runs.run` returns, and memory, by the number of actions."""

  seeds: ClassVar[int] = 3
  quick_seeds: ClassVar[int] = 1
  batch: ClassVar[int] = 1  # The peak of memory is that of the process.

  def cells(self, quick: bool) -> Sequence[Settings]:
    """See base class."""
    exponents = (1, 9) if quick else range(1, 10)
    steps = 1_200 if quick else 3_000
    return [{'n': 10**exponent, 'steps': steps} for exponent in exponents]

  def run(self, settings: Settings) -> list[Record]:
    """See base class."""
    steps, seed = int(settings['steps']), int(settings['seed'])
    problem = f'discrete:{settings["n"]}'
    before = _peak_mb()
    record = synthetic_runs.run(problem, synthetic_runs.CONFIG, steps, seed)
    return [{**record, 'memory_mb': round(_peak_mb() - before, 1)}]

  def table(self, records: Sequence[Record]) -> str:
    """See base class."""
    table = reporting.table_of(records, ('n',), _MEASURES)
    return (
      f'{table}\nMB: by how much the run has raised the peak memory of its process, '
      f'replay of all steps included. {reporting.INTERVALS}\n'
    )

  def draw(self, records: Sequence[Record], figure: matplotlib.figure.Figure) -> None:
    """See base class."""
    figure.set_size_inches(16, 3.2)
    axes = figure.subplots(1, len(_MEASURES))
    for (name, title), panel in zip(_MEASURES.items(), axes, strict=True):
      reporting.draw_line(panel, means(records, by='n', of=name), title)
      panel.set(title=title, xlabel='actions', xscale='log')
      panel.set_ylim(bottom=0.0)


def _peak_mb() -> float:
  """Returns the most memory that this process has had.

  `getrusage` would count that of the process it was forked from, too.
  """
  status = pathlib.Path('/proc/self/status').read_text()
  fields = dict(line.split(':', 1) for line in status.splitlines())
  return int(fields['VmHWM'].split()[0]) / 1024
