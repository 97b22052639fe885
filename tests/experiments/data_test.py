"""The data of studies: what is done stays done, and comes back as it was."""

import pathlib

from qmle_acme.experiments.data import DataFile
from qmle_acme.experiments.study import Settings, with_seeds

CELLS: list[Settings] = [
  {'method': 'a', 'rate': 0.001, 'seed': 1},
  {'method': 'a', 'rate': 1.0, 'seed': 1},
  {'method': 'b', 'rate': 1.0, 'seed': 1},
]


def test_done_cells_are_found_again(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'new' / 'data.csv'
  data = DataFile(path)
  assert data.missing(CELLS) == CELLS
  data.add(CELLS[2], [{'step': 1, 'loss': -3.0}])
  data.add(CELLS[0], [{'step': 1, 'loss': 0.5}, {'step': 2, 'loss': 1e-9}])

  again = DataFile(path)
  assert again.missing(CELLS) == [CELLS[1]]
  assert again.of(CELLS) == [
    {'method': 'a', 'rate': 0.001, 'seed': 1, 'step': 1, 'loss': 0.5},
    {'method': 'a', 'rate': 0.001, 'seed': 1, 'step': 2, 'loss': 1e-9},
    {'method': 'b', 'rate': 1.0, 'seed': 1, 'step': 1, 'loss': -3.0},
  ]
  assert list(path.parent.iterdir()) == [path]


def test_rows_of_other_cells_stay_and_are_not_returned(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'data.csv'
  DataFile(path).add({**CELLS[0], 'seed': 7}, [{'loss': 1}])
  data = DataFile(path)
  data.add(CELLS[0], [{'loss': 2}])
  assert [record['loss'] for record in data.of(CELLS)] == [2]
  assert len(path.read_text().splitlines()) == 3


def test_every_seed_of_every_cell() -> None:
  seeded = with_seeds([{'m': 1}, {'m': 2}], 2)
  assert seeded == [
    {'m': 1, 'seed': 1},
    {'m': 2, 'seed': 1},
    {'m': 1, 'seed': 2},
    {'m': 2, 'seed': 2},
  ]
