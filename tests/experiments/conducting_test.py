"""Studies as a whole: cells, resuming, tables and figures."""

import contextlib
import pathlib
import shutil
from collections.abc import Iterator, Sequence
from typing import Any

import matplotlib.figure
import numpy as np
import pytest

from qmle_acme.experiments import catalogue, conducting, control_runs
from qmle_acme.experiments.data import DataFile
from qmle_acme.experiments.study import Record, Settings, Study, with_seeds
from qmle_acme.runs import machine
from qmle_acme.speed import processes


class Squares(Study):
  """Squares a number."""

  seeds = 3
  quick_seeds = 1
  batch = 2

  def __init__(self) -> None:
    self.ran: list[Settings] = []
    self.broken: list[int] = []

  def cells(self, quick: bool) -> Sequence[Settings]:
    return [{'x': x} for x in ((2,) if quick else (2, 3))]

  def run(self, settings: Settings) -> list[Record]:
    if settings['x'] in self.broken:
      raise RuntimeError('broken')
    self.ran.append(settings)
    return [{'square': int(settings['x']) ** 2}]

  def table(self, records: Sequence[Record]) -> str:
    return f'{sum(int(record["square"]) for record in records)}\n'

  def draw(self, records: Sequence[Record], figure: matplotlib.figure.Figure) -> None:
    figure.subplots().plot([record['square'] for record in records])


@pytest.fixture
def squares(monkeypatch: pytest.MonkeyPatch) -> Squares:
  """A study that runs in this process."""

  class Worker:
    def __init__(self, results: Iterator[Any]):
      self.receive = results.__next__

  @contextlib.contextmanager
  def start(function: Any, *arguments: Any, threads: int) -> Iterator[Worker]:
    yield Worker(function(*arguments))

  study = Squares()
  monkeypatch.setattr(catalogue, 'make', lambda name: study)
  monkeypatch.setattr(processes, 'start', start)
  return study


def test_runs_what_is_missing_and_reports(
  squares: Squares, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  shown = []

  def conduct(quick: bool, seeds: int | None) -> list[Record]:
    return conducting.conduct(
      'squares', tmp_path, quick, seeds, lambda *counts: shown.append(counts)
    )

  monkeypatch.setattr(machine, 'revision', lambda: '12e34')
  (row,) = conduct(quick=True, seeds=None)
  assert row == {'x': 2, 'seed': 1, 'square': 4, 'revision': 'g12e34'}
  assert (tmp_path / 'table.md').read_text() == '4\n\nCommit: g12e34.\n'
  assert shown == [(0, 1), (1, 1)]
  monkeypatch.setattr(machine, 'revision', lambda: '56e78')
  assert conduct(quick=False, seeds=2)[0]['square'] == 4
  assert len(squares.ran) == 4  # Of four cells one was there, of two seeds.
  table = f'{2 * 4 + 2 * 9}\n\nCommit: g12e34, g56e78.\n'
  assert (tmp_path / 'table.md').read_text() == table
  assert (tmp_path / 'figure.png').read_bytes().startswith(b'\x89PNG')
  conduct(quick=False, seeds=2)
  assert len(squares.ran) == 4


def test_what_is_done_stays_when_a_cell_fails(
  squares: Squares, tmp_path: pathlib.Path
) -> None:
  squares.broken = [3]
  with pytest.raises(RuntimeError, match='broken'):
    conducting.conduct('squares', tmp_path, False, 1, lambda *_: None)
  squares.broken = []
  conducting.conduct('squares', tmp_path, False, 1, lambda *_: None)
  assert [settings['x'] for settings in squares.ran] == [2, 3]


# What a run of each study finds, but for its numbers.
ROWS: dict[str, list[Record]] = {
  'bandit': [
    {'step': step, 'kind': kind, 'x': 0.5, 'y': -0.4}
    for step in (100, 200)
    for kind in ('chosen', 'candidate')
  ],
  'budget': [{'step': 10_000}, {'step': 5_000}],
  'ablation': [{'step': 30_000}, {'step': 15_000}],
  'dimensions': [{'step': 20_000}],
  'exactness': [{'step': 40_000}, {'step': 10_000}],
}


@pytest.mark.parametrize('name', catalogue.NAMES)
def test_tables_and_figures_of_all_studies(name: str, tmp_path: pathlib.Path) -> None:
  random = np.random.default_rng(0)
  numbers = ('reward', 'return', 'regret', 'decision_ms', 'learner_step_ms')
  records = [
    {**cell, 'seed': seed, **row}
    | {n: float(random.uniform()) for n in (*numbers, 'parameters', 'memory_mb')}
    for cell in catalogue.make(name).cells(quick=False)
    for seed in (1, 2)
    for row in ROWS.get(name, [{}])
  ]
  conducting.report(catalogue.make(name), records, tmp_path)
  parts = (tmp_path / 'table.md').read_text().split('\n\n')
  tables = [part.splitlines() for part in parts if part.startswith('|')]
  assert len(tables) == (2 if name == 'dimensions' else 1)
  rows = [row for table in tables for row in table[2:]]
  assert len(rows) > 2
  assert 'nan' not in ''.join(rows)
  for table in tables:
    assert len({line.count('|') for line in table}) == 1
  assert (tmp_path / 'figure.png').stat().st_size > 5_000


@pytest.mark.parametrize('name', catalogue.NAMES)
def test_the_table_in_the_docs_is_what_its_data_say(
  name: str, tmp_path: pathlib.Path
) -> None:
  folder = pathlib.Path(__file__).parents[2] / 'docs' / 'experiments' / name
  data = tmp_path / 'data.csv'
  shutil.copy(folder / 'data.csv', data)
  study = catalogue.make(name)
  cells = with_seeds(study.cells(quick=False), study.seeds)
  records = DataFile(data).of(cells)
  conducting.report(study, records, tmp_path)
  assert (tmp_path / 'table.md').read_text() == (folder / 'table.md').read_text()


def test_a_form_has_one_colour_in_all_panels() -> None:
  pairs = [('a', 'full'), ('a', 'small'), ('a', 'out'), ('b', 'full'), ('b', 'out')]
  records: list[Record] = [
    {'task': task, 'form': form, 'step': step, 'return': 1.0}
    for task, form in pairs
    for step in (1, 2)
  ]
  figure = matplotlib.figure.Figure()
  control_runs.draw(records, figure)
  colors = [
    {line.get_label(): line.get_color() for line in axes.lines} for axes in figure.axes
  ]
  assert set(colors[0]) == {'full', 'small', 'out'}
  assert colors[1] == {form: colors[0][form] for form in ('full', 'out')}


@pytest.mark.parametrize('name', catalogue.NAMES)
def test_cells_differ_and_the_quick_ones_are_few(name: str) -> None:
  for quick in (True, False):
    cells = catalogue.make(name).cells(quick)
    assert len({tuple(sorted(cell.items())) for cell in cells}) == len(cells)
  assert len(catalogue.make(name).cells(True)) * catalogue.make(name).quick_seeds <= 8
