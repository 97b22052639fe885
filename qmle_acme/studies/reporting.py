"""What tables and figures of studies have in common."""

from collections.abc import Iterable, Mapping, Sequence

from matplotlib.axes import Axes

from qmle_acme.studies.statistics import Interval

INTERVALS = (
  'Means over seeds, with 95 % bootstrap intervals; of three seeds that is their '
  'range, which is too narrow.'
)


def markdown(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
  """Returns a table."""
  lines = [columns, ['---'] * len(columns), *rows]
  return '\n'.join(f'| {" | ".join(map(str, line))} |' for line in lines) + '\n'


def draw_line(
  axes: Axes, line: Mapping[int | float, Interval] | Mapping, label: str
) -> None:
  """Draws means over x, and their intervals as a band."""
  (drawn,) = axes.plot(
    list(line), [value.mean for value in line.values()], marker='.', label=label
  )
  axes.fill_between(
    list(line),
    [value.low for value in line.values()],
    [value.high for value in line.values()],
    alpha=0.15,
    color=drawn.get_color(),
  )
  axes.grid(alpha=0.3)
