"""`qmle watch`: what is drawn of a run, and that it ends with it."""

import io
import pathlib
import threading
import time

import pytest
import rich.console

from qmle_acme.errors import UserError
from qmle_acme.launch import status, watch
from qmle_acme.runs.config import RunConfig
from qmle_acme.runs.recording import Recorder
from qmle_acme.runs.run_folder import RunFolder


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> RunFolder:
  folder = RunFolder(tmp_path / 'run')
  folder.make()
  folder.write_config(RunConfig(run=folder.path, env='bandit:bimodal', steps=400))
  return folder


def record(folder: RunFolder, returns: list[float]) -> None:
  """Records evaluations 100 steps apart, and training that is half as good."""
  recorder = Recorder(str(folder.path))
  for value in returns:
    recorder.increment(actor_steps=100)
    recorder.record_evaluation(recorder.get_counts(), [value])
    recorder.record_metrics('actor', {'episode_return': value / 2})
    recorder.flush()


def test_curves_span_the_returns_and_the_steps(folder: RunFolder) -> None:
  record(folder, [10.0, 30.0, float('nan'), 90.0])
  lines = watch.draw_curves(folder, 80, 14).plain.splitlines()
  assert len(lines) == 14 and max(map(len, lines)) <= 80
  # From half of the first return to the last, over 100 to 400 steps.
  left = [line.partition('┤')[0].strip() for line in lines if '┤' in line]
  assert (float(left[0]), float(left[-1])) == (90.0, 5.0)
  steps = lines[-1].split()
  assert (float(steps[0]), float(steps[-1])) == (100.0, 400.0)
  assert any('greedy' in line for line in lines)
  assert any('training' in line for line in lines)


def test_a_run_that_has_begun_has_no_curves(folder: RunFolder) -> None:
  assert watch.draw_curves(folder, 80, 14).plain == 'no returns yet'


def test_it_ends_with_the_run(
  folder: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
  with folder.open(folder.read_config()):  # Or it would be taken for dead.
    folder.write_status('running', {'actor_steps': 300}, None)
    codes: list[int] = []
    watching = threading.Thread(
      target=lambda: codes.append(watch.main([str(folder.path)]))
    )
    watching.start()
    time.sleep(1.0)
    assert watching.is_alive()
    record(folder, [10.0, 20.0])
    folder.write_status('finished', {'actor_steps': 400}, None)
    watching.join(20.0)
  assert codes == [0]
  shown = capsys.readouterr().out
  assert '400 of 400 (100%)' in shown and 'return over environment steps' in shown


def test_no_run_folder(tmp_path: pathlib.Path) -> None:
  with pytest.raises(UserError, match='is no run folder'):
    watch.main([str(tmp_path)])


def test_brackets_of_a_folder_are_no_markup(tmp_path: pathlib.Path) -> None:
  folder = RunFolder(tmp_path / 'sweep[lr=0.1][/x]')
  folder.make()
  folder.write_config(RunConfig(run=folder.path, env='bandit:bimodal', steps=400))
  console = rich.console.Console(width=200, record=True, file=io.StringIO())
  console.print(status.table(folder, status.rows(folder)))
  assert 'sweep[lr=0.1][/x]' in console.export_text()


def test_state_of_a_run_without_status(tmp_path: pathlib.Path) -> None:
  folder = RunFolder(tmp_path / 'run')
  folder.make()
  folder.write_config(RunConfig(run=folder.path, env='bandit:bimodal', steps=400))
  assert status.rows(folder)['state'] == 'not started'
  record(folder, [10.0, 20.0])
  assert status.rows(folder)['state'] == 'status.json is missing'
