"""The data of a study: one CSV file, which says by itself which cells are done."""

import csv
import io
import pathlib
import threading
from collections.abc import Sequence

from qmle_acme.experiments.study import Record, Settings, Value
from qmle_acme.files import make_folder, write_atomically


class DataFile:
  """Rows of cells. The rows of a cell come into the file all at once, or not at all."""

  def __init__(self, path: pathlib.Path):
    """Reads what is there.

    Raises:
      UserError: there is no writing in its folder.
    """
    self._path = path
    self._lock = threading.Lock()
    make_folder(path.parent)
    text = path.read_text() if path.exists() else ''
    rows = csv.DictReader(io.StringIO(text))
    self._records: list[Record] = [
      {name: _parse(value) for name, value in row.items()} for row in rows
    ]

  def of(self, cells: Sequence[Settings]) -> list[Record]:
    """Returns the rows of these cells, in their order."""
    return [r for cell in cells for r in self._records if _belongs(r, cell)]

  def missing(self, cells: Sequence[Settings]) -> list[Settings]:
    """Returns the cells of which there is no row."""
    return [c for c in cells if not any(_belongs(r, c) for r in self._records)]

  def add(self, cell: Settings, records: Sequence[Record]) -> None:
    """Adds the rows of a cell and writes the file."""
    with self._lock:
      self._records += [{**cell, **record} for record in records]
      columns = dict.fromkeys(name for record in self._records for name in record)
      text = io.StringIO()
      writer = csv.DictWriter(text, list(columns), lineterminator='\n')
      writer.writeheader()
      writer.writerows(self._records)
      write_atomically(self._path, text.getvalue())


def _belongs(record: Record, cell: Settings) -> bool:
  return all(record.get(name) == value for name, value in cell.items())


def _parse(text: str) -> Value:
  """Returns the number that a field is, or else its text."""
  for kind in (int, float):
    try:
      return kind(text)
    except ValueError:
      continue
  return text
