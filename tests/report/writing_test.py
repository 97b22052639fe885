"""Reports as a person makes them, and that they are the same from committed data."""

import pathlib
import re
import threading
import urllib.request

import fabricated
import pytest

from qmle_acme.errors import UserError
from qmle_acme.launch import report
from qmle_acme.report import serving

TASKS = ['control:walker:walk', 'control:finger:spin', 'bandit:bimodal']
SECTIONS = (
  'aggregates',
  'improvement',
  'final_returns',
  'learning_curves',
  'wall_time',
  'learner_steps',
  'costs',
  'q_bias',
  'proposers_qmle',
  'published',
)
PICTURES = tuple(
  name for name in SECTIONS if name not in ('final_returns', 'costs', 'published')
)


@pytest.fixture(scope='module')
def written(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """The folder of a report on three agents and three tasks, long enough to compare."""
  path = tmp_path_factory.mktemp('whole')
  agents = ['qmle', 'd4pg', 'dmpo']
  fabricated.write_results(path / 'results', TASKS[:2], agents, seeds=2, points=11)
  assert report.main([str(path / 'results'), '--out', str(path / 'report')]) == 0
  return path / 'report'


def sections(page: str) -> tuple[str, ...]:
  return tuple(re.findall(r'<section id="(\w+)">', page))


def test_whole_report(written: pathlib.Path) -> None:
  page = (written / 'index.html').read_text()

  assert sections(page) == (*SECTIONS, 'commands')
  assert page.count('src="data:image/svg+xml;base64,') == len(PICTURES)
  assert page.count('srcset="data:image/svg+xml;base64,') == len(PICTURES)
  assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
  assert 'What is missing' not in page
  assert 'qmle train --env control:walker:walk --agent dmpo' in page
  assert 'danijar/dreamerv3@e3f0224 scores/' in page


def test_markdown_shows_its_pictures(written: pathlib.Path) -> None:
  text = (written / 'report.md').read_text()
  pictures = re.findall(r'!\[.*\]\((.*)\)', text)

  assert pictures == [f'figures/{name}.png' for name in PICTURES]
  for picture in pictures:
    assert (written / picture).read_bytes().startswith(b'\x89PNG')
  tables = re.findall(r'((?:^\|.*\n)+)', text, flags=re.MULTILINE)
  for table in tables:
    assert len({line.count('|') for line in table.splitlines()}) == 1
  header, _, *rows = (line.split(' | ') for line in tables[-2].splitlines())
  row = next(row for row in rows if 'walker:walk' in row[0])
  published = dict(zip(header, row, strict=True))
  assert (published['steps'], published['D4PG*'], published['DMPO*']) == (
    '100,000',
    '325',
    '256',
  )


def test_same_report_from_its_data(
  written: pathlib.Path, tmp_path: pathlib.Path
) -> None:
  assert report.main([str(written / 'data'), '--out', str(tmp_path)]) == 0

  assert (tmp_path / 'report.md').read_text() == (written / 'report.md').read_text()


def test_report_of_a_run_that_has_hardly_begun(tmp_path: pathlib.Path) -> None:
  folder = tmp_path / 'results' / 'a'
  run = fabricated.write_run(folder, TASKS[0], 'qmle', 1, [[1.0]], steps=200)
  run.write_status('running', {}, None)

  assert report.main([str(tmp_path / 'results'), '--out', str(tmp_path / 'r')]) == 0

  page = (tmp_path / 'r' / 'index.html').read_text()
  assert sections(page) == ('final_returns', 'learning_curves', 'wall_time') + (
    'learner_steps',
    'costs',
    'commands',
  )
  assert 'seed 1, has died, at 0 of 200 steps: it is in the curves only.' in page
  assert 'There is one seed' in page


def test_report_of_a_run_without_an_evaluation(tmp_path: pathlib.Path) -> None:
  folder = tmp_path / 'results' / 'a'
  run = fabricated.write_run(folder, TASKS[2], 'dpg', 1, [[1.0]], steps=200)
  run.evaluations.unlink()
  run.starts.unlink()

  assert report.main([str(tmp_path / 'results'), '--out', str(tmp_path / 'r')]) == 0

  page = (tmp_path / 'r' / 'index.html').read_text()
  assert sections(page) == ('costs', 'commands')
  assert 'No run has recorded its command.' in page


def test_out_that_is_a_file(written: pathlib.Path, tmp_path: pathlib.Path) -> None:
  (tmp_path / 'file').write_text('')

  with pytest.raises(UserError, match=r'cannot write in .*file'):
    report.main([str(written / 'data'), '--out', str(tmp_path / 'file')])


def test_is_served_on_loopback_only(tmp_path: pathlib.Path) -> None:
  page = tmp_path / 'index.html'
  page.write_text('the page')

  with serving.make_server(page) as server:
    threading.Thread(target=server.handle_request, daemon=True).start()
    address = f'http://127.0.0.1:{server.server_port}/index.html'
    assert urllib.request.urlopen(address, timeout=60).read() == b'the page'
    assert server.server_address[0] == '127.0.0.1'
