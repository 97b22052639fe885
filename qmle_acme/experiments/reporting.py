"""What tables and figures of studies have in common."""

from collections.abc import Iterable, Mapping, Sequence

from matplotlib.axes import Axes

from qmle_acme.experiments.statistics import Interval, group, interval
from qmle_acme.experiments.study import Record

INTERVALS = (
  'Means over seeds, with 95 % bootstrap intervals; of three seeds that is their '
  'range, which is too narrow.'
)
# Titles of what runs measure of their costs.
COSTS = {
  'decision_ms': 'CPU ms per decision',
  'learner_step_ms': 'CPU ms per learner step',
}


def table_of(
  records: Sequence[Record], by: Sequence[str], measures: Mapping[str, str]
) -> str:
  """Returns a table of intervals over seeds.

  Args:
    records: rows of runs; the order of theirs is that of the table's lines.
    by: fields; those of equal values share a line.
    measures: fields that were measured, each with its title.
  """
  lines = [
    [
      *(f'{value:,}' if isinstance(value, int) else value for value in key),
      *(interval([float(r[name]) for r in runs]) for name in measures),
    ]
    for key, runs in group(records, lambda r: tuple(r[name] for name in by)).items()
  ]
  return markdown([*by, *measures.values()], lines)


def markdown(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
  """Returns a table."""
  lines = [columns, ['---'] * len(columns), *rows]
  return '\n'.join(f'| {" | ".join(map(str, line))} |' for line in lines) + '\n'


def draw_line(
  axes: Axes,
  line: Mapping[int | float, Interval] | Mapping,
  label: str,
  color: str | None = None,
) -> None:
  """Draws means over x, and their intervals as a band, in the next colour or this."""
  middle = [value.mean for value in line.values()]
  (drawn,) = axes.plot(list(line), middle, marker='.', label=label, color=color)
  axes.fill_between(
    list(line),
    [value.low for value in line.values()],
    [value.high for value in line.values()],
    alpha=0.15,
    color=drawn.get_color(),
  )
  axes.grid(alpha=0.3)
