"""Every environment that a run opens is closed again, by the process that opened it."""

import collections
import pathlib

import pytest
import small_runs


@pytest.mark.parametrize(
  ('layout', 'least_processes'),
  [pytest.param('local', 1, marks=pytest.mark.slow), ('distributed', 4)],
)
def test_environments_are_closed(
  layout: str,
  least_processes: int,
  tmp_path: pathlib.Path,
  monkeypatch: pytest.MonkeyPatch,
) -> None:
  book = tmp_path / 'book'
  monkeypatch.setenv('BOOK', str(book))
  monkeypatch.setenv('PYTHONPATH', str(pathlib.Path(__file__).parents[1] / 'runs'))

  small_runs.train(
    small_runs.make_config(
      tmp_path / 'run',
      env='gymnasium:book_environment:Book-v0',
      layout=layout,
      actors=2,
      steps=400,
    )
  )

  lines = [line.split(' by ') for line in book.read_text().splitlines()]
  opened, closed = (
    collections.Counter(process for what, process in lines if what == which)
    for which in ('opened', 'closed')
  )
  assert opened == closed
  assert len(opened) >= least_processes
