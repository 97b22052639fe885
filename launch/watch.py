"""`qmle watch`: a run while it goes on, its state and its learning curves.

It reads the run folder alone, so it may be started anywhere and at any time. It ends
with the run, or by Ctrl-C, which does the run no harm.
"""

import math
import time

import plotext
import rich.console
import rich.live
import rich.text

from qmle_acme.runs.evaluations import read_evaluations
from qmle_acme.runs.records import ACTOR_STEPS, read_metrics
from qmle_acme.runs.run_folder import RunFolder

from . import arguments, status

_SECONDS = 2.0
_ROWS, _LEAST_ROWS = 18, 8
_COLUMNS = 100
# Points of the curve of training; each is the mean of as many records.
_POINTS = 100


def main(argv: list[str]) -> int:
  """Shows the run until it is over; returns the exit code."""
  config = arguments.parse(status.StatusConfig, argv, 'qmle watch', description=__doc__)
  folder = RunFolder(config.run)
  # Or 'control:dog:walk' would get the picture of a dog.
  console = rich.console.Console(emoji=False)
  with rich.live.Live(console=console, auto_refresh=False) as live:
    while True:
      rows = status.rows(folder)
      # The table, what is around it, and a line for the cursor.
      height = console.height - len(rows) - 5
      curves = draw_curves(folder, console.width, height)
      live.update(rich.console.Group(status.table(folder, rows), curves), refresh=True)
      if rows['state'] != 'running':
        return 0
      time.sleep(_SECONDS)


def draw_curves(folder: RunFolder, width: int, height: int) -> rich.text.Text:
  """Returns the returns of a run over its steps, drawn in characters.

  Args:
    folder: of the run.
    width: of the terminal, in characters.
    height: that is left in it.
  """
  curves = {'greedy': _evaluations(folder), 'training': _training(folder)}
  curves = {name: points for name, points in curves.items() if points}
  if not curves:
    return rich.text.Text('no returns yet')
  plotext.clear_figure()
  plotext.theme('clear')
  plotext.plot_size(min(width, _COLUMNS), max(_LEAST_ROWS, min(height, _ROWS)))
  for name, points in curves.items():
    marker = 'braille' if name == 'greedy' else 'dot'
    plotext.plot(*zip(*points, strict=True), marker=marker, label=name)
  plotext.title('return over environment steps')
  return rich.text.Text.from_ansi(plotext.build())


def _evaluations(folder: RunFolder) -> list[tuple[float, float]]:
  """Returns steps and mean return of each evaluation."""
  pairs = [(e.actor_steps, e.episode_return_mean) for e in read_evaluations(folder)]
  return [pair for pair in pairs if math.isfinite(pair[1])]


def _training(folder: RunFolder) -> list[tuple[float, float]]:
  """Returns steps and mean return of the episodes of training, in a few points."""
  name = 'episode_return'
  records = read_metrics(folder.metrics, 'actor')
  pairs = [(r[ACTOR_STEPS], r[name]) for r in records if r.get(name) is not None]
  size = -(-len(pairs) // _POINTS) or 1
  parts = [pairs[i : i + size] for i in range(0, len(pairs), size)]
  return [(part[-1][0], sum(value for _, value in part) / len(part)) for part in parts]
