"""Conducts a study: runs the cells that are missing, then makes table and figure."""

import pathlib
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent import futures

import matplotlib.figure

from qmle_acme.experiments import catalogue
from qmle_acme.experiments.data import DataFile
from qmle_acme.experiments.study import Record, Settings, Study, with_seeds
from qmle_acme.files import write_atomically
from qmle_acme.runs import machine
from qmle_acme.speed import processes

# Receives how many cells are done, of how many.
Show = Callable[[int, int], None]


def conduct(
  name: str, out: pathlib.Path, quick: bool, seeds: int | None, show: Show
) -> list[Record]:
  """Runs what is missing of a study and reports on it; returns its rows.

  As many processes as there are cores run cells, with one thread each. Whatever ends
  this, the cells that are done stay done, and no process is left.

  Args:
    name: of the study.
    out: folder of data.csv, table.md and figure.png.
    quick: whether in its short form.
    seeds: how many; None for as many as the study says.
    show: called after each cell.
  """
  study = catalogue.make(name)
  if seeds is None:
    seeds = study.quick_seeds if quick else study.seeds
  cells = with_seeds(study.cells(quick), seeds)
  data = DataFile(out / 'data.csv')
  missing = data.missing(cells)
  # With a g before it, as git has it: digits with an e among them would be a number.
  revision = machine.revision()
  origin = {'revision': revision and f'g{revision}'}

  workers: list[processes.Worker] = []
  is_stopped = threading.Event()

  def run(batch: Sequence[Settings]) -> None:
    with processes.start(run_cells, name, batch, threads=1) as worker:
      workers.append(worker)
      for cell in [] if is_stopped.is_set() else batch:
        data.add(cell, [{**record, **origin} for record in worker.receive()])
        show(len(cells) - len(data.missing(cells)), len(cells))

  show(len(cells) - len(missing), len(cells))
  with futures.ThreadPoolExecutor(machine.usable_cores()) as pool:
    try:
      list(pool.map(run, _batches(missing, study.batch)))
    except KeyboardInterrupt:  # It reaches this process alone.
      is_stopped.set()
      pool.shutdown(wait=False, cancel_futures=True)
      for worker in workers:
        worker.kill()
      raise
  report(study, data.of(cells), out)
  return data.of(cells)


def run_cells(name: str, cells: Sequence[Settings]) -> Iterator[list[Record]]:
  """Yields the rows of each cell of a study."""
  study = catalogue.make(name)
  for cell in cells:
    yield study.run(cell)


def report(study: Study, records: Sequence[Record], out: pathlib.Path) -> None:
  """Writes the table, with the commits that made it, and the figure of these rows."""
  revisions = {str(record.get('revision') or 'not recorded') for record in records}
  text = f'{study.table(records)}\nCommit: {", ".join(sorted(revisions))}.\n'
  write_atomically(out / 'table.md', text)
  figure = matplotlib.figure.Figure(layout='constrained')
  study.draw(records, figure)
  figure.savefig(out / 'figure.png', dpi=110)


def _batches(cells: Sequence[Settings], size: int) -> list[Sequence[Settings]]:
  """Returns the cells in pieces of at most `size`, enough of them for all cores."""
  share = max(1, min(size, -(-len(cells) // machine.usable_cores())))
  return [cells[i : i + share] for i in range(0, len(cells), share)]
