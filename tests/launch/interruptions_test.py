"""`qmle train` while signals come, or nobody reads what it prints any more."""

import dataclasses
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator

import odd_environments
import psutil
import pytest
import small_runs

from qmle_acme.launch import main
from qmle_acme.runs import checkpointing
from qmle_acme.runs.run_folder import RunFolder

STOPPING = 'stopping: saving; Ctrl-C again ends without that'


@pytest.fixture(params=['local', 'distributed'])
def hanging(
  request: pytest.FixtureRequest,
  tmp_path: pathlib.Path,
  monkeypatch: pytest.MonkeyPatch,
) -> Iterator[small_runs.Training]:
  """A run that has saved, and whose environment stays inside a step."""
  monkeypatch.setenv('ODD', str(tmp_path / 'odd'))
  monkeypatch.setenv('HANG', '600')
  monkeypatch.setenv('PYTHONPATH', str(pathlib.Path(small_runs.__file__).parent))
  config = small_runs.make_config(
    tmp_path / 'run',
    env='gymnasium:odd_environments:Hanging-v0',
    layout=request.param,
    actors=1,
    steps=200,
    checkpoint_minutes=1e-5,
    # The learner saves after steps that it takes: some come after the report of 20.
    qmle=dataclasses.replace(
      small_runs.QMLE, min_replay_size=16, samples_per_insert=8.0
    ),
  )
  training = small_runs.Training(config)
  training.wait_until((tmp_path / 'odd').exists)
  training.wait_until(lambda: saved_steps(training) > 0)
  yield training
  training.kill()


def saved_steps(training: small_runs.Training) -> int:
  """Returns the steps of the newest checkpoint."""
  return int(checkpointing.read_counts(training.folder).get('actor_steps', 0))


def test_ctrl_c_is_acknowledged_at_once_and_a_second_one_keeps_the_checkpoint(
  hanging: small_runs.Training,
) -> None:
  hanging.send(signal.SIGINT)
  deadline = time.monotonic() + 1.0
  while STOPPING not in hanging.output():
    assert time.monotonic() < deadline
    time.sleep(0.02)
  start = time.monotonic()
  hanging.send(signal.SIGINT)

  assert hanging.wait() == 130
  assert time.monotonic() - start < 20.0
  assert not small_runs.are_alive(hanging.nodes)
  saved = saved_steps(hanging)
  assert saved > 0
  status = hanging.status()
  assert (status['state'], status['saved_steps']) == ('stopped', saved)
  assert f'the same command resumes from {saved} steps' in status['error']


@pytest.mark.parametrize('hanging', ['local'], indirect=True)
def test_a_stop_leaves_an_environment_that_does_not_return_and_saves(
  hanging: small_runs.Training,
) -> None:
  start = time.monotonic()
  hanging.send(signal.SIGTERM)

  assert hanging.wait() == 128 + signal.SIGTERM
  assert time.monotonic() - start < 60.0
  status = hanging.status()
  taken = odd_environments.STEP - 1  # In the step after these it hangs.
  assert (status['state'], status['saved_steps']) == ('stopped', taken)
  assert 'had been inside `step` of its environment' in status['error']
  assert saved_steps(hanging) == taken


@pytest.mark.parametrize(
  'layout', [pytest.param('local', marks=pytest.mark.slow), 'distributed']
)
def test_a_run_is_stopped_before_it_is_up(tmp_path: pathlib.Path, layout: str) -> None:
  config = small_runs.make_config(tmp_path / 'run', layout=layout, steps=200)
  training = small_runs.Training(config)
  training.wait_until(lambda: 'starting: ' in training.output())
  training.send(signal.SIGHUP)

  assert training.wait() == 128 + signal.SIGHUP, training.output()
  status = training.status()
  assert (status['state'], status['error']) == ('stopped', None)
  assert not small_runs.are_alive(training.nodes)


def test_nobody_reads_after_the_first_line_and_the_run_goes_on(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.setenv('WARN', 'yes')
  monkeypatch.setenv('PYTHONPATH', str(pathlib.Path(small_runs.__file__).parent))
  env = 'gymnasium:odd_environments:Faulty-array-v0'
  config = small_runs.make_config(tmp_path / 'run', env=env, steps=60)
  (tmp_path / 'run.yaml').write_text(small_runs.as_yaml(config))
  command = small_runs.qmle(
    'train', '--config', str(tmp_path / 'run.yaml'), '--run', str(config.run)
  )
  # Its first line, no warning of a package, is read; then the pipe is gone.
  process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
  assert process.stdout is not None
  assert process.stdout.readline() == f'making {env} ...\n'.encode()
  process.stdout.close()

  assert process.wait(small_runs.PATIENCE_SECONDS) == 0
  folder = RunFolder(config.run)
  assert folder.read_status()['state'] == 'finished'
  log = (folder.logs / 'main.log').read_text()
  assert 'an old package' in log and 'a banner of its own' in log


def test_streams_are_closed_and_the_run_goes_on(tmp_path: pathlib.Path) -> None:
  config = small_runs.make_config(tmp_path / 'run', steps=60)
  (tmp_path / 'run.yaml').write_text(small_runs.as_yaml(config))
  command = small_runs.qmle(
    'train', '--config', str(tmp_path / 'run.yaml'), '--run', str(config.run)
  )
  closed = ['sh', '-c', 'exec "$@" <&- >&- 2>&-', 'sh', *command]

  assert subprocess.run(closed, timeout=small_runs.PATIENCE_SECONDS).returncode == 0
  assert RunFolder(config.run).read_status()['state'] == 'finished'


@pytest.mark.parametrize(
  'arguments', [['--help'], ['train', '--help'], ['status', '--help']]
)
def test_help_that_nobody_reads_is_silent(arguments: list[str]) -> None:
  script = f'import sys; sys.argv[1:] = {arguments}; '
  script += 'from qmle_acme.launch import main; main.main()'
  reader, writer = os.pipe()
  os.close(reader)
  done = subprocess.run(
    [sys.executable, '-c', script],
    env=main.make_environment(os.environ),
    stdout=writer,
    stderr=subprocess.PIPE,
    text=True,
  )
  os.close(writer)

  assert done.stderr == ''


def test_an_environment_that_changes_its_process_does_the_run_no_harm(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.chdir(tmp_path)
  monkeypatch.setenv('ODD', str(tmp_path / 'children'))
  monkeypatch.setenv('PYTHONPATH', str(pathlib.Path(small_runs.__file__).parent))
  env = 'gymnasium:odd_environments:Careless-v0'
  config = small_runs.make_config(pathlib.Path('run'), env=env, steps=1_000_000)
  training = small_runs.Training(config)
  folder = training.folder
  training.wait_until(lambda: folder.read_status().get('actor_steps', 0) > 0)
  training.send(signal.SIGTERM)

  assert training.wait() == 128 + signal.SIGTERM, training.output()
  assert saved_steps(training) > 0
  assert 'left threads that do not end: simulator' in training.output()
  # What it has forked goes on, and does not hold the folder.
  children = map(int, (tmp_path / 'children').read_text().split())
  forked = [psutil.Process(child) for child in children]
  assert forked and not folder.is_held()
  for process in forked:
    process.kill()


def test_ctrl_c_while_tensorflow_loads_is_not_swallowed(tmp_path: pathlib.Path) -> None:
  # As a library does that calls Python back, where an exception cannot be raised.
  loader = """
import gc, os, signal
from qmle_acme.runs import screen

def collect(*_):
  os.kill(os.getpid(), signal.SIGINT)

with screen.loading_tensorflow():
  gc.callbacks.append(collect)
  gc.collect()
  gc.callbacks.clear()
print('trains')
"""
  command = [sys.executable, '-c', loader]
  result = subprocess.run(command, capture_output=True, text=True, timeout=60.0)
  assert 'trains' not in result.stdout and 'KeyboardInterrupt' in result.stderr
  assert 'Exception ignored' not in result.stderr


def test_a_study_ends_at_ctrl_c_with_its_processes(tmp_path: pathlib.Path) -> None:
  command = small_runs.qmle('experiment', 'bandit', '--out', str(tmp_path / 'out'))
  process = psutil.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
  deadline = time.monotonic() + small_runs.PATIENCE_SECONDS
  while not (workers := process.children()):
    assert time.monotonic() < deadline
    time.sleep(0.1)
  process.send_signal(signal.SIGINT)

  assert process.wait(20.0) == 128 + signal.SIGINT
  assert not small_runs.are_alive(workers)
