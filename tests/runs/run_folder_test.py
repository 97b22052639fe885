"""The run folder: whose it is, and files that are never seen half-written."""

import dataclasses
import pathlib
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
import yaml

from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.errors import UserError
from qmle_acme.files import write_atomically
from qmle_acme.runs import run_folder
from qmle_acme.runs.config import RunConfig, to_dict
from qmle_acme.runs.run_folder import RunFolder

_LOCKER = """
import fcntl, sys
lock = open(sys.argv[1], 'w')
fcntl.flock(lock, fcntl.LOCK_EX)
print('locked', flush=True)
sys.stdin.read()
"""


@pytest.fixture
def config(tmp_path: pathlib.Path) -> RunConfig:
  return RunConfig(run=tmp_path / 'runs' / 'x', steps=100)


@pytest.fixture
def other_process(config: RunConfig) -> Iterator[subprocess.Popen[bytes]]:
  """Another process that trains in the same folder."""
  with RunFolder(config.run).open(config) as lock:
    path = lock.name
  command = [sys.executable, '-c', _LOCKER, path]
  with subprocess.Popen(
    command, stdin=subprocess.PIPE, stdout=subprocess.PIPE
  ) as process:
    assert process.stdout is not None
    assert process.stdout.readline() == b'locked\n'
    yield process
    process.kill()


def start(config: RunConfig) -> RunFolder:
  """Does to the folder of a run what its start does."""
  folder = RunFolder(config.run)
  with folder.open(config):
    folder.write_config(config)
  return folder


def test_opened_again_with_the_same_settings(config: RunConfig) -> None:
  folder = start(config)
  for _ in range(2):
    with folder.open(config):
      assert folder.read_config() == dataclasses.replace(config, run=folder.path)


def test_other_settings_are_refused_by_name_and_change_nothing(
  config: RunConfig,
) -> None:
  folder = start(config)
  before = folder.config.read_text()
  other = dataclasses.replace(
    config, steps=200, seed=2, qmle=QMLEConfig(discount=0.5, n_step=2)
  )

  with pytest.raises(UserError) as caught:
    folder.open(other)

  message = str(caught.value)
  assert 'seed: 1 -> 2' in message
  assert 'qmle.discount: 0.99 -> 0.5; qmle.n_step: 1 -> 2' in message
  assert 'steps: 100' not in message
  assert '\n' not in message
  assert folder.config.read_text() == before
  folder.open(config).close()  # What was refused does not lock it.


def test_more_steps_are_no_other_settings(config: RunConfig) -> None:
  start(config)

  assert start(dataclasses.replace(config, steps=200)).read_config().steps == 200


def test_folder_that_another_process_trains_in_is_refused(
  config: RunConfig, other_process: subprocess.Popen[bytes]
) -> None:
  folder = RunFolder(config.run)
  with pytest.raises(UserError, match='is in use by another `qmle train`'):
    folder.open(config)

  other_process.kill()
  other_process.wait()

  folder.open(config).close()  # A killed run does not lock its folder for good.


def test_file_in_the_way_is_a_user_error(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'file'
  path.touch()

  with pytest.raises(UserError, match=r'cannot write in .*/file: File exists'):
    RunFolder(path).open(RunConfig(run=path))


def test_folder_without_a_run_is_refused(tmp_path: pathlib.Path) -> None:
  with pytest.raises(UserError, match=r'is no run folder: it holds no config\.yaml'):
    RunFolder(tmp_path).read_config()


def test_folder_of_many_runs_names_one_of_them(tmp_path: pathlib.Path) -> None:
  for name in ('b', 'a'):
    run = tmp_path / 'trials[1]' / name
    run.mkdir(parents=True)
    (run / 'config.yaml').touch()
  with pytest.raises(UserError, match=r'; a run lies in .*/trials\[1\]/a$'):
    RunFolder(tmp_path).read_config()


@pytest.mark.parametrize(
  ('changes', 'message'),
  [
    ({'agent': None}, 'holds no settings of a run: its agent is None'),
    ({'evaluation_period': None}, 'its evaluation_period is None'),
    ({'steps': 'many'}, "its steps is 'many'"),
    (None, 'holds no mapping of settings to values'),
  ],
)
def test_damaged_settings_are_refused(
  config: RunConfig, changes: dict | None, message: str
) -> None:
  folder = start(config)
  data = to_dict(config) | (changes or {})
  kept = {name: value for name, value in data.items() if value is not None}
  folder.config.write_text('a line' if changes is None else yaml.safe_dump(kept))

  for read in (folder.read_config, lambda: folder.open(config)):
    with pytest.raises(UserError, match=message) as caught:
      read()
    assert str(folder.config) in str(caught.value)
    assert '\n' not in str(caught.value)


def test_status(config: RunConfig) -> None:
  folder = RunFolder(config.run)
  folder.open(config).close()
  assert folder.read_status() == {}

  folder.write_status('failed', {'actor_steps': 5, 'learner_steps': 2}, 'disk full')

  status = folder.read_status()
  assert 0 <= status.pop('cpu_seconds') < 1  # Since it was opened.
  assert status == {
    'state': 'failed',
    'actor_steps': 5,
    'learner_steps': 2,
    'saved_steps': 5,
    'restarts': 0,
    'error': 'disk full',
  }


def test_cpu_time_is_that_since_the_folder_was_opened(
  config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
  def spend(folder: RunFolder, *, opened_at: float, written_at: float) -> float:
    monkeypatch.setattr(run_folder, 'tree_cpu_seconds', lambda: opened_at)
    folder.open(config).close()
    monkeypatch.setattr(run_folder, 'tree_cpu_seconds', lambda: written_at)
    folder.write_status('stopped', {}, None)
    return float(folder.read_status()['cpu_seconds'])

  # One process: 300 s before the run, 7 s of it; resumed at 400 s, 5 s more.
  assert spend(RunFolder(config.run), opened_at=300.0, written_at=307.0) == 7.0
  assert spend(RunFolder(config.run), opened_at=400.0, written_at=405.0) == 12.0


@pytest.mark.parametrize(
  'content',
  [
    b'{',
    b'[]',
    b'',
    b'\xff\xfe\x00',
    b'{"state": 1}',
    b'{"actor_steps": "many"}',
    b'{"cpu_seconds": null}',
    b'{"restarts": NaN}',
    b'{"restarts": 1e999}',
    b'{"error": 5}',
  ],
)
def test_damaged_status_is_refused(config: RunConfig, content: bytes) -> None:
  folder = start(config)
  folder.status.write_bytes(content)

  with pytest.raises(UserError) as caught:
    folder.open(config)

  assert str(caught.value).startswith(f'cannot read {folder.status}: ')
  assert str(caught.value).endswith('delete it, and the run goes on without it')
  assert '\n' not in str(caught.value)


def test_finished_with_all_steps_that_are_asked_for_now(config: RunConfig) -> None:
  folder = start(config)
  assert not folder.is_finished(100)
  folder.write_status('finished', {'actor_steps': 103}, None)
  assert folder.is_finished(100) and not folder.is_finished(200)
  folder.write_status('running', {'actor_steps': 103}, None)
  assert not folder.is_finished(100)


def test_reader_never_sees_half_a_file(tmp_path: pathlib.Path) -> None:
  path = tmp_path / 'status.json'
  texts = {letter * 200_000 for letter in 'ab'}
  write_atomically(path, min(texts))
  seen = set()
  is_over = threading.Event()

  def read() -> None:
    while not is_over.is_set():
      seen.add(path.read_text())

  reader = threading.Thread(target=read)
  reader.start()
  for _ in range(100):
    for text in texts:
      write_atomically(path, text)
  is_over.set()
  reader.join()

  assert seen <= texts
  assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_is_made_is_its_owners_alone(tmp_path: pathlib.Path) -> None:
  RunFolder(tmp_path / 'a' / 'run').make()
  (tmp_path / 'shared').mkdir(mode=0o755)
  RunFolder(tmp_path / 'shared').make()

  assert (tmp_path / 'a' / 'run').stat().st_mode & 0o777 == 0o700
  assert (tmp_path / 'shared').stat().st_mode & 0o777 == 0o755


def test_what_changes_no_experiment_may_change_and_is_told(config: RunConfig) -> None:
  folder = start(config)
  other = dataclasses.replace(
    config,
    layout='local',
    actors=3,
    learner_threads=1,
    checkpoint_minutes=1.0,
    evaluation_period=50,
  )

  assert folder.check_same(config) == []
  assert folder.check_same(other) == [
    'actors: 2 -> 3',
    'checkpoint_minutes: 10.0 -> 1.0',
    'evaluation_period: 20000 -> 50',
    'layout: distributed -> local',
    'learner_threads: 2 -> 1',
  ]


def test_a_setting_that_an_older_run_lacks_has_its_default(config: RunConfig) -> None:
  folder = start(config)
  old = yaml.safe_load(folder.config.read_text())
  del (
    old['qmle']['normalize_observations'],
    old['faults'],
    old['qmle']['predictors'][0]['noise'],
  )
  folder.config.write_text(yaml.safe_dump(old))

  lines = folder.check_same(config)

  assert 'qmle.normalize_observations: None -> False (new, its default)' in lines
  assert all(line.endswith('(new, its default)') for line in lines)
  changed = dataclasses.replace(config, qmle=QMLEConfig(normalize_observations=True))
  with pytest.raises(UserError, match='normalize_observations: False -> True'):
    folder.check_same(changed)


def test_a_run_whose_process_is_gone_has_died(
  config: RunConfig, tmp_path: pathlib.Path
) -> None:
  folder = RunFolder(config.run)
  with folder.open(config):
    folder.write_status('running', {}, None)
    assert folder.read_status()['state'] == 'running'
    assert RunFolder(config.run).read_status()['state'] == 'running'

  assert folder.read_status()['state'] == 'died'
  folder.write_status('stopped', {}, None)
  assert folder.read_status()['state'] == 'stopped'


def test_a_look_at_a_run_is_no_other_training(config: RunConfig) -> None:
  folder = RunFolder(config.run)
  folder.make()
  looks = threading.Event()

  def look() -> None:
    while not looks.wait(0.001):
      folder.is_held()

  thread = threading.Thread(target=look)
  thread.start()
  try:
    for _ in range(20):
      folder.open(config).close()
  finally:
    looks.set()
    thread.join()


def test_restarts_are_counted_but_for_a_line_cut_short(config: RunConfig) -> None:
  folder = RunFolder(config.run)
  folder.make()
  assert folder.count_restarts() == 0
  for what in ('node restart', 'stall', 'run restart'):
    folder.append_fault(what, 'actor/0', 'killed by SIGKILL')
  with folder.faults.open('a') as file:
    file.write('{"time": "2026-')

  assert folder.count_restarts() == 2
