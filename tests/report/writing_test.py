"""Reports as a person makes them, and that they are the same from committed data."""

import pathlib
import re
import threading
import urllib.request

import fabricated
import pytest

from qmle_acme.errors import UserError
from qmle_acme.launch import report
from qmle_acme.report import serving, writing
from qmle_acme.runs import videos
from qmle_acme.runs.run_folder import RunFolder

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


@pytest.mark.slow
def test_the_newest_videos_are_copied_and_shown(tmp_path: pathlib.Path) -> None:
  results = tmp_path / 'results'
  fabricated.write_results(results, TASKS[:1], ['qmle'], seeds=2, points=3)
  run = RunFolder(next(results.rglob('config.yaml')).parent)
  for steps in (900, 20_000):
    videos.keep(run, steps, f'video of {steps}'.encode())
  for _ in range(2):  # A second report replaces the first one.
    assert report.main([str(results), '--out', str(tmp_path / 'report')]) == 0
    page = (tmp_path / 'report' / 'index.html').read_text()
    (source,) = re.findall(r'<video [^>]*src="([^"]*)"', page)
    assert (tmp_path / 'report' / source).read_bytes() == b'video of 20000'
    assert 'qmle on control:walker:walk, seed' in page
    assert ', after 20,000 steps</figcaption>' in page
    videos_of = list((tmp_path / 'report' / 'videos').iterdir())
    assert len(videos_of) == 1
  assert f']({source})' in (tmp_path / 'report' / 'report.md').read_text()


@pytest.mark.slow
def test_a_page_that_is_followed_reloads_itself_until_the_runs_are_over(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  results = tmp_path / 'results'
  fabricated.write_results(results, TASKS[:1], ['qmle'], seeds=1, points=3)
  run = RunFolder(next(results.rglob('config.yaml')).parent)
  page = tmp_path / 'report' / 'index.html'
  seen: list[bool] = []

  def sleep(seconds: float) -> None:
    assert seconds == 60
    seen.append('http-equiv="refresh" content="60"' in page.read_text())
    if len(seen) == 2:
      lock.close()
      run.write_status('finished', {}, error=None)

  monkeypatch.setattr(writing.time, 'sleep', sleep)
  arguments = [str(results), '--out', str(tmp_path / 'report')]
  with run.open(run.read_config()) as lock:
    run.write_status('running', {}, error=None)
    assert report.main(arguments) == 0
    assert 'refresh' not in page.read_text()  # Nobody would write it again.
    assert report.main([*arguments, '--follow']) == 0
  assert seen == [True, True]
  assert 'refresh' not in page.read_text()
