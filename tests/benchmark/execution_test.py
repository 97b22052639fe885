"""A grid of processes: side by side, some failing, stopped and gone on with."""

import io
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import psutil
import pytest
import rich.console
from small_runs import PATIENCE_SECONDS, QMLE, qmle, run_qmle

from qmle_acme import locks
from qmle_acme.benchmark import execution
from qmle_acme.benchmark.grid import GridRun
from qmle_acme.benchmark.grid_progress import GridProgress
from qmle_acme.errors import UserError
from qmle_acme.launch import benchmark
from qmle_acme.runs.config import RunConfig, to_dict
from qmle_acme.runs.records import read_records
from qmle_acme.runs.run_folder import RunFolder

# In the place of `qmle train`: logs when it runs, stops on SIGTERM, may fail.
FAKE = """
import json, os, pathlib, signal, sys, time
folder, log, seconds, code = sys.argv[1:]
def write(state, steps):
  status = {'state': state, 'actor_steps': steps}
  pathlib.Path(folder, 'status.json').write_text(json.dumps(status))
def stop(number, _):
  write('stopped', 50)
  sys.exit(143)
signal.signal(signal.SIGTERM, stop)
pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
with open(log, 'a') as file: print('start', folder, file=file, flush=True)
time.sleep(float(seconds))
with open(log, 'a') as file: print('end', folder, file=file, flush=True)
if int(code) == 9:
  write('running', 50)
  os.kill(os.getpid(), signal.SIGKILL)
if int(code):
  print('qmle: it is broken')
else:
  write('finished', 100)
sys.exit(int(code))
"""


class Fakes:
  """Runs that are no training."""

  def __init__(self, path: pathlib.Path, monkeypatch: pytest.MonkeyPatch):
    self.log = path / 'log'
    self.path = path
    self.output = io.StringIO()
    monkeypatch.setattr(execution, '_start', self._start)

  def run(self, seed: int, seconds: float = 0.0, code: int = 0) -> GridRun:
    folder = RunFolder(self.path / f'seed{seed}')
    return GridRun('t', 't', 'a', seed, 100, folder, (str(seconds), str(code)))

  def _start(self, run: GridRun) -> 'subprocess.Popen[bytes]':
    arguments = [str(run.folder.path), str(self.log), *run.arguments]
    with run.output.open('a') as output:
      return subprocess.Popen([sys.executable, '-c', FAKE, *arguments], stdout=output)

  def execute(self, grid: list[GridRun], jobs: int) -> execution.GridOutcome:
    console = rich.console.Console(file=self.output)
    return execution.execute(grid, jobs, console)

  def events(self) -> list[str]:
    return [line.split()[0] for line in self.log.read_text().splitlines()]


@pytest.fixture
def fakes(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Fakes:
  return Fakes(tmp_path, monkeypatch)


def test_a_failure_is_reported_and_stops_nobody(fakes: Fakes) -> None:
  grid = [fakes.run(1, code=2), fakes.run(2), fakes.run(3)]

  outcome = fakes.execute(grid, jobs=1)

  assert outcome.exit_code == 1
  output = grid[0].output
  assert outcome.failures == {'a on t, seed 1': f'qmle: it is broken ({output})'}
  assert [run.is_finished() for run in grid] == [False, True, True]
  assert fakes.events() == ['start', 'end'] * 3
  shown = ''.join(fakes.output.getvalue().split('\n'))
  assert f'failed: a on t, seed 1: qmle: it is broken ({output})' in shown


def test_a_run_that_dies_meanwhile_is_said_when_it_does(fakes: Fakes) -> None:
  grid = [fakes.run(1, code=9), fakes.run(2, seconds=0.5)]

  outcome = fakes.execute(grid, jobs=1)

  assert outcome.failures == {'a on t, seed 1': 'killed by SIGKILL'}
  lines = fakes.output.getvalue().splitlines()
  died = lines.index('died: a on t, seed 1: killed by SIGKILL')
  assert died < len(lines) - 1


def test_damaged_status_stops_nobody(fakes: Fakes) -> None:
  grid = [fakes.run(1, code=2), fakes.run(2)]
  grid[0].folder.path.mkdir()
  grid[0].folder.status.write_text('{')

  outcome = fakes.execute(grid, jobs=1)

  assert list(outcome.failures) == ['a on t, seed 1']
  assert [run.is_finished() for run in grid] == [False, True]


def test_runs_side_by_side_and_what_is_finished_is_skipped(fakes: Fakes) -> None:
  grid = [fakes.run(seed, seconds=1.0) for seed in (1, 2)]

  assert fakes.execute(grid, jobs=2) == execution.GridOutcome(0, {})
  assert fakes.events() == ['start', 'start', 'end', 'end']
  assert fakes.execute([*grid, fakes.run(3)], jobs=2).exit_code == 0

  assert fakes.events()[4:] == ['start', 'end']
  assert '2 of 3 runs were finished before' in fakes.output.getvalue()
  assert '3 of 3 runs finished, 0 running, 0 failed' in fakes.output.getvalue()
  assert 'steps 300 of 300 (100%)  left 0:00:00' in fakes.output.getvalue()


def test_a_run_whose_process_is_gone_is_named_and_goes_on(fakes: Fakes) -> None:
  grid = [fakes.run(1), fakes.run(2)]
  grid[0].folder.path.mkdir()
  grid[0].folder.status.write_text('{"state": "running", "actor_steps": 50}')

  assert fakes.execute(grid, jobs=1).exit_code == 0

  first, *_ = fakes.output.getvalue().splitlines()
  assert first == 'died, and will go on: a on t, seed 1'


def test_table_in_a_terminal(fakes: Fakes) -> None:
  grid = [fakes.run(seed) for seed in (1, 2)]
  fakes.execute(grid[:1], jobs=1)
  output = io.StringIO()
  console = rich.console.Console(file=output, force_terminal=True, width=100)
  progress = GridProgress(grid, console)

  progress.show(running=grid[1:], waiting=[], failures={})
  progress.close()

  assert '1 of 2 runs finished, 1 running' in output.getvalue()
  assert 'steps 100 of 200 (50%)  left -' in output.getvalue()
  assert 'a on t' in output.getvalue()
  assert '0 of 100 (0%)' in output.getvalue()


def test_a_signal_stops_those_that_run_and_starts_no_more(fakes: Fakes) -> None:
  grid = [fakes.run(seed, seconds=60.0) for seed in (1, 2)]

  def interrupt() -> None:
    while not fakes.log.exists():
      time.sleep(0.05)
    os.kill(os.getpid(), signal.SIGINT)

  threading.Thread(target=interrupt).start()
  outcome = fakes.execute(grid, jobs=1)

  assert outcome == execution.GridOutcome(130, {})
  assert fakes.events() == ['start']
  assert grid[0].folder.read_status() == {'state': 'stopped', 'actor_steps': 50}
  told = fakes.output.getvalue()
  assert told.count('stopping: runs are saving') == 1
  assert told.splitlines()[-1].startswith('0 of 2 runs finished')


def start_benchmark(
  words: list[str], until: RunFolder, evaluations: int
) -> psutil.Popen:
  """Starts a benchmark and waits until a run has been evaluated so often."""
  process = psutil.Popen(qmle(*words), stdout=subprocess.DEVNULL)
  deadline = time.monotonic() + PATIENCE_SECONDS
  while len(read_records(until.evaluations)) < evaluations:
    assert process.poll() is None and time.monotonic() < deadline
    time.sleep(0.1)
  return process


@pytest.mark.slow
def test_goes_on_after_a_kill_and_after_a_stop(tmp_path: pathlib.Path) -> None:
  overlay = tmp_path / 'overlay.yaml'
  settings = to_dict(RunConfig(run=tmp_path, qmle=QMLE, evaluation_period=200))
  kept = ('evaluation_period', 'qmle')
  overlay.write_text(json.dumps({key: settings[key] for key in kept}))
  out = tmp_path / 'results'
  words = ['benchmark', '--tasks', 'bandit:bimodal', '--agents', 'qmle', '--seeds', '2']
  words += ['--steps', '3000', '--layout', 'local', '--out', str(out)]
  words += ['--config', str(overlay)]
  first, second = (RunFolder(out / 'bandit-bimodal/qmle' / f'seed{n}') for n in (1, 2))

  killed = start_benchmark(words, until=first, evaluations=2)
  nodes = killed.children(recursive=True)
  killed.kill()
  killed.wait()
  psutil.wait_procs(nodes, PATIENCE_SECONDS)
  assert not any(node.is_running() for node in nodes)

  stopped = start_benchmark(words, until=first, evaluations=3)
  stopped.send_signal(signal.SIGINT)
  assert stopped.wait(PATIENCE_SECONDS) == 130
  status = first.read_status()
  assert status['state'] == 'stopped' and 400 <= status['actor_steps'] < 3000
  assert not second.path.exists()

  # A run whose folder is damaged fails, and the other goes on.
  second.path.mkdir()
  second.config.write_text(first.config.read_text().replace('seed: 1\n', 'seed: 2\n'))
  second.status.write_text('{')
  result = run_qmle(*words)
  assert result.returncode == 1, result.stdout
  failure = f'failed: qmle on bandit:bimodal, seed 2: qmle: cannot read {second.status}'
  assert failure in result.stdout
  assert first.read_status()['state'] == 'finished'
  assert len(read_records(first.starts)) == 3
  assert first.read_status()['cpu_seconds'] > status['cpu_seconds'] + 1.0
  second.status.unlink()

  result = run_qmle(*words)
  assert result.returncode == 0, result.stdout
  assert '1 of 2 runs were finished before' in result.stdout
  assert '2 of 2 runs are finished' in result.stdout
  steps = [r['actor_steps'] for r in read_records(first.evaluations)]
  assert steps == list(range(0, 3001, 200))

  report = tmp_path / 'report'
  assert run_qmle('report', str(out), '--out', str(report)).returncode == 0
  assert '2 of 2 runs are finished' in (report / 'index.html').read_text()


def test_folder_of_another_benchmark_is_refused_at_once(
  tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
  with (
    locks.lock(tmp_path, 'qmle benchmark'),
    pytest.raises(UserError, match='is in use by another `qmle benchmark`'),
  ):
    benchmark.main(['--tasks', 'bandit:bimodal', '--out', str(tmp_path)])
  assert 'TensorFlow' not in capsys.readouterr().err
