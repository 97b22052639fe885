"""What becomes of a distributed run that is stopped, killed or broken."""

import pathlib
import re
import signal
import time
from typing import Any

import pytest
import saved_cache
import small_runs

from qmle_acme.runs import checkpointing
from qmle_acme.runs.config import FaultsConfig
from qmle_acme.runs.records import read_records

STEPS = 3_000
# A tenth of a minute: the run has a checkpoint long before it ends.
MINUTES = 0.05
GONE_SECONDS = 10.0
# How a zlib stream begins whose first block is stored: others follow, or none do.
STORED = (b'\x78\x01\x00', b'\x78\x01\x01')


@pytest.fixture
def training(tmp_path: pathlib.Path) -> small_runs.Training:
  """A run with its first checkpoint behind it and most of its steps to go."""
  config = small_runs.make_config(
    tmp_path / 'run',
    layout='distributed',
    actors=1,
    steps=STEPS,
    checkpoint_minutes=MINUTES,
    evaluation_period=STEPS,
  )
  training = small_runs.Training(config)
  training.wait_until(lambda: bool(checkpointing.read_counts(training.folder)))
  return training


def wait_until_gone(training: small_runs.Training) -> None:
  """Waits until no node is left."""
  deadline = time.monotonic() + GONE_SECONDS
  while small_runs.are_alive(training.nodes):
    assert time.monotonic() < deadline, training.nodes
    time.sleep(0.1)


def test_killed_run_leaves_no_process_and_resumes(
  training: small_runs.Training,
) -> None:
  training.send(signal.SIGKILL)
  training.wait()
  wait_until_gone(training)
  saved = checkpointing.read_counts(training.folder)
  assert 0 < saved['actor_steps'] < STEPS
  assert training.status()['state'] == 'running'  # It had no time to say otherwise.

  resumed = small_runs.train(training.config)

  assert resumed.status()['state'] == 'finished'
  assert resumed.status()['actor_steps'] >= STEPS
  assert resumed.status()['learner_steps'] > saved['learner_steps']
  assert f"'actor_steps': {saved['actor_steps']:.0f}" in resumed.log('learner-0')
  for path in (resumed.folder.evaluations, resumed.folder.metrics):
    steps = small_runs.column(read_records(path), 'actor_steps')
    assert steps == sorted(steps)


@pytest.mark.parametrize(
  'number',
  [
    signal.SIGTERM,
    pytest.param(signal.SIGINT, marks=pytest.mark.slow),
  ],
)
def test_signal_stops_with_a_checkpoint(
  training: small_runs.Training, number: signal.Signals
) -> None:
  before = checkpointing.read_counts(training.folder)
  start = time.monotonic()
  training.send(number)
  assert training.wait() == 128 + number, training.output()
  assert time.monotonic() - start < 30.0
  wait_until_gone(training)
  status = training.status()
  assert (status['state'], status['error']) == ('stopped', None)
  assert before['actor_steps'] < status['actor_steps'] < STEPS
  assert 'the same command resumes' in training.output()
  for rows in training.folder.replay_checkpoints.glob('*/chunks.tfrecord'):
    assert rows.read_bytes().startswith(STORED)


def test_learner_that_is_killed_before_it_has_saved_is_reported(
  training: small_runs.Training,
) -> None:
  learner = training.node('learner')
  learner.suspend()  # It cannot save any more.
  # Not in the midst of a checkpoint, of which replay's part would be missing.
  while checkpointing.is_replay_behind(training.folder):
    learner.resume()
    time.sleep(0.1)
    learner.suspend()
  saved = int(checkpointing.read_counts(training.folder)['actor_steps'])
  training.send(signal.SIGINT)
  time.sleep(1.0)
  assert 'stopping: saving; Ctrl-C again ends without that' in training.output()
  training.send(signal.SIGINT)  # Instead of waiting until its time is up.

  assert training.wait() == 130
  wait_until_gone(training)
  error = 'the learner was killed before it had saved its last steps: '
  error += f'the same command resumes from {saved:,} steps'
  status = training.status()
  assert (status['state'], status['error']) == ('stopped', error)
  assert status['actor_steps'] == saved
  assert training.stdout.read_text().splitlines()[-1].endswith(error)


def test_nodes_that_others_can_wait_for_are_started_again_alone(
  training: small_runs.Training,
) -> None:
  labels = ('actor', 'evaluator', 'replay')
  for label in labels:
    training.node(label).kill()
  assert training.wait() == 0, training.output()
  wait_until_gone(training)
  status = training.status()
  assert (status['state'], status['restarts']) == ('finished', 3)
  assert status['actor_steps'] >= STEPS
  assert saved_cache.assert_whole(training.folder) > 0
  for label in labels:
    assert f'node restart: {label}/0 failed: killed by SIGKILL' in training.output()
  assert training.log('learner-0').count('the run goes on from') == 1


@pytest.mark.slow
def test_nodes_die_with_what_they_are_forked_from_and_all_start_again(
  training: small_runs.Training,
) -> None:
  training.nursery().kill()
  assert training.wait() == 0, training.output()
  wait_until_gone(training)
  assert training.status()['actor_steps'] >= STEPS
  assert saved_cache.assert_whole(training.folder) > 0
  assert 'run restart: counter/0 failed: killed by SIGKILL' in training.output()
  assert training.log('learner-0').count('the run goes on from') == 2


@pytest.mark.parametrize(
  'label', ['counter', pytest.param('learner', marks=pytest.mark.slow)]
)
def test_loss_of_counter_or_learner_takes_all_back_to_a_checkpoint(
  training: small_runs.Training, label: str
) -> None:
  saved = checkpointing.read_counts(training.folder)['actor_steps']
  training.node(label).kill()
  assert training.wait() == 0, training.output()
  wait_until_gone(training)
  status = training.status()
  assert (status['state'], status['restarts']) == ('finished', 1)
  assert f'run restart: {label}/0 failed: killed by SIGKILL' in training.output()
  *_, resumed = re.findall(
    "goes on from .*'actor_steps': (\\d+)", training.log('learner-0')
  )
  assert int(resumed) >= saved
  assert f'start again, from the {int(resumed):,} steps' in training.output()
  for path in (training.folder.evaluations, training.folder.metrics):
    steps = small_runs.column(read_records(path), 'actor_steps')
    assert steps == sorted(steps)


def train_in(
  environment: str,
  tmp_path: pathlib.Path,
  monkeypatch: pytest.MonkeyPatch,
  layout: str = 'distributed',
  **faults: Any,
) -> small_runs.Training:
  """Returns a run that has ended, in an environment of `odd_environments`."""
  monkeypatch.setenv('ODD', str(tmp_path / 'odd'))
  monkeypatch.setenv('PYTHONPATH', str(pathlib.Path(small_runs.__file__).parent))
  name = f'gymnasium:odd_environments:{environment}-v0'
  config = small_runs.make_config(
    tmp_path / 'run',
    env=name,
    layout=layout,
    actors=1,
    steps=200,
    faults=FaultsConfig(**faults),
  )
  training = small_runs.Training(config)
  training.wait()
  return training


@pytest.mark.slow
def test_environment_that_crashes_is_started_again(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  training = train_in('Crashing', tmp_path, monkeypatch)

  status = training.status()
  assert (status['state'], status['restarts']) == ('finished', 3), training.output()
  faults = [fault['error'] for fault in read_records(training.folder.faults)]
  for fault, cause in zip(
    faults,
    [
      'gymnasium:odd_environments:Crashing-v0: step 30: '
      'RuntimeError: the simulator is gone',
      'killed by SIGSEGV',
      'EnvironmentCrash: gymnasium:odd_environments:Crashing-v0: step 30: '
      'left the process by sys.exit(0)',
    ],
    strict=True,
  ):
    assert cause in fault


@pytest.mark.slow
def test_reward_that_is_no_number_ends_the_run_at_once(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  training = train_in('Nan', tmp_path, monkeypatch)

  status = training.status()
  assert (status['state'], status['restarts']) == ('failed', 0), training.output()
  error = 'actor/0 failed: gymnasium:odd_environments:Nan-v0: step 30: reward is nan'
  assert status['error'].startswith(error)


def train_in_one_that_hangs(
  folder: pathlib.Path, monkeypatch: pytest.MonkeyPatch, stall_policy: str
) -> small_runs.Training:
  """Returns a run to its end, in an environment that stands still for ten minutes."""
  monkeypatch.setenv('HANG', '600')
  return train_in(
    'Hanging', folder, monkeypatch, stall_seconds=30.0, stall_policy=stall_policy
  )


@pytest.mark.slow
def test_environment_that_hangs_is_said_and_ends_the_run_if_that_is_asked_for(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  training = train_in_one_that_hangs(tmp_path, monkeypatch, 'end')

  status = training.status()
  assert (status['state'], status['restarts']) == ('failed', 0), training.output()
  assert status['error'].startswith('actor/0 has got no further for ')
  assert 'it has been inside `step` of its environment for ' in status['error']
  assert status['saved_steps'] == status['actor_steps'] > 0
  wait_until_gone(training)


@pytest.mark.slow
def test_environment_that_hangs_is_said_and_restarted_if_that_is_asked_for(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  training = train_in_one_that_hangs(tmp_path, monkeypatch, 'restart')

  status = training.status()
  assert (status['state'], status['restarts']) == ('finished', 1), training.output()
  stall, restart = read_records(training.folder.faults)
  assert (stall['what'], stall['node']) == ('stall', 'actor/0')
  assert 'it has been inside `step` of its environment for ' in stall['error']
  assert f'stall: {stall["error"]}' in training.output()
  assert 'killed by SIGKILL' in restart['error']


def test_environment_that_hangs_in_the_local_layout_is_said(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.setenv('HANG', '10')
  training = train_in('Hanging', tmp_path, monkeypatch, 'local', stall_seconds=6.0)

  status = training.status()
  assert (status['state'], status['restarts']) == ('finished', 0), training.output()
  line = 's: it has been inside `step` of its environment'
  stalls = read_records(training.folder.faults)  # On a busy machine there are others.
  (stall,) = [stall for stall in stalls if stall['error'].endswith(line)]
  assert stall['node'] == 'main'
  assert f'stall: {stall["error"]}' in training.output()
