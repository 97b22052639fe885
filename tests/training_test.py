"""A run's first and last lines of status, in this process."""

import contextlib
import dataclasses
import io
import json
import pathlib
import re
import shutil
import signal
import statistics
import sys
import threading
from collections.abc import Callable

import pytest
import rich.console
import saved_cache
import small_runs

from qmle_acme import training
from qmle_acme.agents import metrics
from qmle_acme.errors import UserError
from qmle_acme.runs import ending, local
from qmle_acme.runs.recording import Recorder
from qmle_acme.runs.records import read_records
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.topology import doors
from qmle_acme.topology import program as program_lib
from qmle_acme.topology.supervision import Outcome

# This process was not started as `qmle` starts.
OPEN_DOORS = f'{doors.WARNING}\n'


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> RunFolder:
  return RunFolder(tmp_path / 'run')


def read_status(folder: RunFolder) -> dict[str, object]:
  return json.loads(folder.status.read_text())


@pytest.mark.parametrize('layout', ['local', 'distributed'])
def test_unknown_environment_leaves_nothing(folder: RunFolder, layout: str) -> None:
  config = small_runs.make_config(folder.path, env='bandit:bimodel', layout=layout)

  with pytest.raises(UserError, match="'bandit:bimodel'; nearest: bandit:bimodal"):
    training.run(config)
  assert not folder.path.exists()


def test_finished_run_returns_at_once_and_another_one_is_refused(
  folder: RunFolder,
  capfd: pytest.CaptureFixture[str],
  monkeypatch: pytest.MonkeyPatch,
) -> None:
  monkeypatch.setenv('PWD', str(folder.path.parent))
  monkeypatch.setenv('PATH', str(pathlib.Path(sys.executable).parent))
  config = small_runs.make_config(folder.path, steps=20)
  handlers = [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)]

  assert training.run(config) == Outcome('finished', 0)

  output = capfd.readouterr()
  first, *rest = output.out.removeprefix(OPEN_DOORS).splitlines()
  assert first == (
    f'starting: qmle on bandit:bimodal in {folder.path}; '
    'replay needs 1 MiB when it is full'
  )
  (*_, final) = read_records(folder.evaluations)
  finished, best_line, *commands = rest[-4:]
  assert finished == (
    f'finished: 20 steps saved in {folder.path}; '
    f'greedy return {final["episode_return_mean"]:,.6g}, one episode'
  )
  assert final['learner_steps'] == 0
  assert best_line == (
    'nothing was learned: the steps were over before replay held min_replay_size'
  )
  assert commands == [
    'next: qmle evaluate run',  # And no video: a bandit has nothing to draw.
    '      qmle report run --out report',
  ]
  assert output.err == 'making bandit:bimodal ...\n'
  assert [signal.getsignal(n) for n in (signal.SIGINT, signal.SIGTERM)] == handlers
  files = {path: path.stat().st_mtime_ns for path in folder.path.glob('*.json*')}

  assert training.run(config) == Outcome('finished', 0)
  assert capfd.readouterr().out == f'finished before: 20 steps in {folder.path}\n'
  assert {p: p.stat().st_mtime_ns for p in folder.path.glob('*.json*')} == files

  assert training.run(dataclasses.replace(config, steps=30)) == Outcome('finished', 0)
  first, *_ = capfd.readouterr().out.removeprefix(OPEN_DOORS).splitlines()
  assert first.startswith('resuming from 20 steps: qmle on bandit:bimodal in ')
  assert read_records(folder.starts)[-1]['changes'] == ['steps: 20 -> 30']

  assert training.run(dataclasses.replace(config, steps=10)) == Outcome('finished', 0)
  assert capfd.readouterr().out == f'finished before: 30 steps in {folder.path}\n'

  with pytest.raises(UserError, match='seed: 1 -> 2'):
    training.run(dataclasses.replace(config, seed=2))
  assert read_status(folder)['state'] == 'finished'


def test_the_command_is_named_by_its_path_where_no_shell_would_find_it(
  monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
  scripts = pathlib.Path(sys.executable).parent
  monkeypatch.setenv('PATH', '/nowhere')
  monkeypatch.setenv('PWD', str(scripts.parent))
  assert ending.command() == f'{scripts.name}/qmle'
  for folder in ('/', str(tmp_path)):
    monkeypatch.setenv('PWD', folder)
    assert ending.command() == str(scripts / 'qmle')
  monkeypatch.delenv('PWD')
  assert ending.command() == str(scripts / 'qmle')


def test_failure_is_one_line_in_the_status_and_the_rest_in_the_log(
  folder: RunFolder, capfd: pytest.CaptureFixture[str]
) -> None:
  folder.path.mkdir()
  folder.evaluations.mkdir()  # Where the first evaluation should go.

  # The test runner's own sys.stderr writes elsewhere.
  with open(2, 'w', closefd=False) as stderr, contextlib.redirect_stderr(stderr):
    outcome = training.run(small_runs.make_config(folder.path, steps=20))

  log = folder.logs / 'main.log'
  assert (outcome.state, outcome.exit_code) == ('failed', 1)
  assert outcome.error is not None
  assert outcome.error.startswith(f'cannot read {folder.evaluations}: ')
  assert outcome.error.endswith(f'(its log: {log})')
  status = read_status(folder)
  assert status.pop('cpu_seconds')
  assert status == {
    'state': 'failed',
    'actor_steps': 0,
    'learner_steps': 0,
    'saved_steps': 0,
    'restarts': 0,
    'error': outcome.error,
  }
  (start,) = read_records(folder.starts)
  assert start['versions']['qmle_acme'] == '0.1.0' and start['command']
  assert f'failed: {outcome.error}; 0 steps saved' in capfd.readouterr().out
  assert 'Traceback' in log.read_text()


def test_program_that_cannot_be_made_is_a_failure_too(
  folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
  def make_program(*_: object) -> None:
    raise OSError('no port')

  monkeypatch.setattr(program_lib, 'make_program', make_program)
  config = small_runs.make_config(folder.path, layout='distributed')

  assert training.run(config).exit_code == 1
  status = read_status(folder)
  assert status['state'] == 'failed'
  assert status['error'] == f'OSError: no port (its log: {folder.logs / "main.log"})'


def test_second_interrupt_says_what_is_lost(
  folder: RunFolder,
  capfd: pytest.CaptureFixture[str],
  monkeypatch: pytest.MonkeyPatch,
) -> None:
  def interrupt_twice(*arguments: object) -> None:
    for _ in range(2):
      signal.raise_signal(signal.SIGINT)

  monkeypatch.setattr(local, 'run', interrupt_twice)

  outcome = training.run(small_runs.make_config(folder.path, steps=20))

  error = 'the learner was killed before it had saved its last steps: '
  error += 'the same command resumes from 0 steps'
  assert (outcome.state, outcome.exit_code, outcome.error) == ('stopped', 130, error)
  assert read_status(folder)['state'] == 'stopped'
  assert read_status(folder)['error'] == error
  last = f'stopped: 0 steps saved in {folder.path}; {error}'
  assert capfd.readouterr().out.splitlines()[-1] == last


@pytest.mark.parametrize('layout', ['local', 'distributed'])
def test_a_signal_in_the_midst_of_another_is_no_deadlock(
  folder: RunFolder, layout: str
) -> None:
  config = small_runs.make_config(folder.path, layout=layout)
  console = rich.console.Console(file=io.StringIO())
  stop = threading.Event()
  handler = threading.Thread(
    target=training._acknowledge,
    args=(config, console, stop, [signal.SIGTERM] * 2),
    daemon=True,
  )
  # As the handler of the first one has it, for a moment.
  with stop._cond:  # type: ignore[attr-defined]
    handler.start()
    handler.join(10.0)
    assert not handler.is_alive()
  assert stop.wait(10.0)


RESUMES = 'the same command resumes from 10 steps'
SHORT = f'the run ended before 20 steps were saved: {RESUMES}'
LOST = f'the learner was killed before it had saved its last steps: {RESUMES}'
BEHIND = f'the learner was killed before it had saved replay: {RESUMES}'


@pytest.mark.parametrize(
  ('outcome', 'steps', 'expected'),
  [
    (Outcome('finished', 0, killed=('actor',)), 20, ('finished', 0, None)),
    # It had saved: the final evaluation comes after that.
    (Outcome('finished', 0, killed=('learner',)), 21, ('finished', 0, None)),
    (Outcome('finished', 0), 10, ('failed', 1, SHORT)),
    (Outcome('stopped', 143), 10, ('stopped', 143, None)),
    (Outcome('stopped', 143, killed=('actor',)), 10, ('stopped', 143, None)),
    (Outcome('stopped', 143, killed=('learner',)), 10, ('stopped', 143, LOST)),
    (Outcome('failed', 1, 'x', ('learner',)), 10, ('failed', 1, f'x; {LOST}')),
    (Outcome('failed', 1, 'x'), 10, ('failed', 1, 'x')),
  ],
)
def test_what_the_learner_did_not_save_is_said(
  folder: RunFolder, outcome: Outcome, steps: int, expected: tuple[str, int, str | None]
) -> None:
  config = small_runs.make_config(folder.path, steps=20)

  found = training.with_loss(outcome, {'actor_steps': steps}, config, False)

  assert (found.state, found.exit_code, found.error) == expected


def test_replay_that_was_not_saved_is_said(folder: RunFolder) -> None:
  config = small_runs.make_config(folder.path, steps=20)
  outcome = Outcome('stopped', 130, killed=('learner',))

  found = training.with_loss(outcome, {'actor_steps': 10}, config, True)

  assert found.state == 'stopped'
  assert found.error == f'{BEHIND}, with replay as it was before'


def test_resumed_learner_finds_the_keys_of_replay_in_its_cache(
  folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.setattr(metrics, 'PERIOD_SECONDS', 0.0)
  qmle = dataclasses.replace(small_runs.QMLE, samples_per_insert=16.0)
  config = small_runs.make_config(folder.path, steps=220, qmle=qmle)
  assert training.run(config).state == 'finished'
  before = small_runs.column(read_records(folder.metrics), 'cache_hit_rate')

  assert training.run(dataclasses.replace(config, steps=230)).state == 'finished'

  after = small_runs.column(read_records(folder.metrics), 'cache_hit_rate')[
    len(before) :
  ]
  assert len(after) == 10
  assert saved_cache.assert_whole(folder) > 50
  assert before[0] == 0.0
  assert statistics.fmean(before[-10:]) > 0.7
  assert statistics.fmean(after) > statistics.fmean(before[-10:]) - 0.15


def test_run_whose_replay_was_never_saved_goes_on_without_it(folder: RunFolder) -> None:
  config = small_runs.make_config(folder.path, steps=120)
  assert training.run(config).state == 'finished'
  shutil.rmtree(folder.replay_checkpoints)  # As a kill may leave it.
  folder.write_status('running', {}, None)

  assert training.run(dataclasses.replace(config, steps=240)).state == 'finished'

  # Of each part the first 100 steps have filled replay.
  status = read_status(folder)
  learner_steps = int(20 * 2 / 16) + int(20 * 2 / 16)
  assert (status['actor_steps'], status['learner_steps']) == (240, learner_steps)


def read_all(folder: RunFolder) -> dict[pathlib.Path, bytes]:
  """Returns all that is in a run folder."""
  return {path: path.read_bytes() for path in folder.path.rglob('*') if path.is_file()}


def cut_in_half(path: pathlib.Path) -> None:
  path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


DAMAGES: dict[str, tuple[Callable[[pathlib.Path], object], str]] = {
  'all lost': (shutil.rmtree, 'the checkpoint of 20 steps is not in {}: '),
  'manifest lost': (
    lambda path: (path / '1' / 'manifest.json').unlink(),
    'no checkpoint is whole: cannot read {}/1/manifest.json: ',
  ),
  'index lost': (
    lambda path: (path / '1' / 'learner.index').unlink(),
    'no checkpoint is whole: cannot read {}/1/learner.index: ',
  ),
  'data cut': (
    lambda path: cut_in_half(next(path.glob('1/*.data-*'))),
    'no checkpoint is whole: {}/1/learner.data-00000-of-00001 is not what was written',
  ),
}


def test_lost_checkpoint_is_said_and_nothing_else_is_lost(
  folder: RunFolder, tmp_path: pathlib.Path, capfd: pytest.CaptureFixture[str]
) -> None:
  config = small_runs.make_config(folder.path, steps=20)
  assert training.run(config).state == 'finished'
  kept = tmp_path / 'kept'
  shutil.copytree(folder.learner_checkpoints, kept)
  capfd.readouterr()

  for damage, message in DAMAGES.values():
    damage(folder.learner_checkpoints)
    before = read_all(folder)
    for steps in (20, 30):
      with pytest.raises(UserError) as caught:
        training.run(dataclasses.replace(config, steps=steps))
      assert str(caught.value).startswith(message.format(folder.learner_checkpoints))
      advice = 'put it back, or use another --run'
      assert str(caught.value).endswith(advice)
      assert '\n' not in str(caught.value)
    assert read_all(folder) == before
    assert capfd.readouterr() == ('', 2 * 'making bandit:bimodal ...\n')
    shutil.rmtree(folder.learner_checkpoints, ignore_errors=True)
    shutil.copytree(kept, folder.learner_checkpoints)

  assert training.run(dataclasses.replace(config, steps=30)).state == 'finished'


def killed_run(folder: RunFolder, saved_steps: int) -> None:
  """Leaves what a run without a checkpoint leaves that was killed after 15 steps."""
  config = small_runs.make_config(folder.path, steps=20)
  with folder.open(config):
    folder.write_config(config)
    recorder = Recorder(str(folder.path))
    recorder.restore({})
    recorder.note_checkpoint(saved_steps)
    recorder.record_evaluation(recorder.get_counts(), [1.0])
    recorder.increment(actor_steps=15)
    recorder.record_metrics('actor', {'episode_return': 1.0})
    folder.write_status('running', recorder.snapshot(), None)


def test_run_that_was_killed_before_its_first_checkpoint_starts_again(
  folder: RunFolder, capfd: pytest.CaptureFixture[str]
) -> None:
  killed_run(folder, saved_steps=0)
  # It was about to save: what names the checkpoint would have come last.
  aside = folder.learner_checkpoints / 'writing'
  aside.mkdir(parents=True)
  (aside / 'learner.index').write_bytes(b'half')

  config = small_runs.make_config(folder.path, steps=20)
  assert training.run(config) == Outcome('finished', 0)

  assert capfd.readouterr().out.removeprefix(OPEN_DOORS).startswith('starting: ')
  steps = small_runs.column(read_records(folder.evaluations), 'actor_steps')
  assert steps == [0, 20]


def test_run_that_was_killed_after_its_first_checkpoint_needs_it(
  folder: RunFolder,
) -> None:
  killed_run(folder, saved_steps=10)
  before = read_all(folder)

  where = re.escape(str(folder.learner_checkpoints))
  with pytest.raises(UserError, match=f'checkpoint of 10 steps is not in {where}'):
    training.run(small_runs.make_config(folder.path, steps=20))
  assert read_all(folder) == before
