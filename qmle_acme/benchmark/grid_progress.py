"""How a grid of runs stands, for a person."""

import datetime
import functools
import time
from collections.abc import Collection, Mapping, Sequence

import rich.console
import rich.table
import rich.text

from qmle_acme.benchmark.grid import GridRun
from qmle_acme.runs.progress import Display

# Of the steps, before their rate tells of the rest: the first seconds are start-up.
_KNOWN_SHARE = 0.01


class GridProgress:
  """Shows a grid while it goes on."""

  def __init__(self, grid: Sequence[GridRun], console: rich.console.Console):
    """Initialises.

    Args:
      grid: all the runs, finished ones too.
      console: where to show it.
    """
    self._grid = grid
    self._display = Display(console)
    self._start = time.monotonic()
    self._steps_before = self._steps_taken()

  def update(
    self,
    running: Sequence[GridRun],
    waiting: Collection[GridRun],
    failures: Mapping[str, str],
  ) -> None:
    """Shows the state of the grid, if it is time to."""
    if self._display.is_due():
      self.show(running, waiting, failures)

  def show(
    self,
    running: Sequence[GridRun],
    waiting: Collection[GridRun],
    failures: Mapping[str, str],
  ) -> None:
    """Shows the state of the grid."""
    done = len(self._grid) - len(running) - len(waiting) - len(failures)
    total = sum(run.steps for run in self._grid)
    taken = self._steps_taken()
    abandoned = sum(
      run.steps - _steps(run) for run in self._grid if run.name in failures
    )
    line = (
      f'{done} of {len(self._grid)} runs finished, {len(running)} running, '
      f'{len(failures)} failed  steps {taken:,} of {total:,} ({taken / total:.0%})  '
      f'left {self._left(total - abandoned, taken)}'
    )
    self._display.show(functools.partial(_table, line, running), line)

  def say(self, line: str) -> None:
    """Shows a line by itself."""
    self._display.say(line)

  def close(self) -> None:
    """Leaves the last state on the screen."""
    self._display.close()

  def _left(self, total: int, taken: int) -> str:
    """Returns the time left, at the mean rate since the grid was started."""
    new = taken - self._steps_before
    if new <= _KNOWN_SHARE * (total - self._steps_before):
      return '-'
    rate = new / (time.monotonic() - self._start)
    return str(datetime.timedelta(seconds=round((total - taken) / rate)))

  def _steps_taken(self) -> int:
    return sum(map(_steps, self._grid))


def _steps(run: GridRun) -> int:
  """Returns the steps taken of those asked for: a run takes a few more."""
  return min(run.steps_taken(), run.steps)


def _table(title: str, running: Sequence[GridRun]) -> rich.table.Table:
  table = rich.table.Table(
    'running',
    'seed',
    'steps',
    title=rich.text.Text(title),
    title_justify='left',
    min_width=len(title),
  )
  table.columns[2].justify = 'right'
  for run in running:
    steps = _steps(run)
    share = f'{steps:,} of {run.steps:,} ({steps / run.steps:.0%})'
    name = rich.text.Text(f'{run.agent} on {run.task}')
    table.add_row(name, str(run.seed), share)
  return table
