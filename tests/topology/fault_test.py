"""What becomes of a distributed run that is stopped, killed or broken."""

import pathlib
import signal
import time

import pytest
import small_runs

from qmle_acme.runs import checkpointing
from qmle_acme.runs.recording import read_records

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
  training.node('learner').suspend()  # It cannot save any more.
  saved = int(checkpointing.read_counts(training.folder)['actor_steps'])
  training.send(signal.SIGINT)
  time.sleep(1.0)
  training.send(signal.SIGINT)  # Instead of waiting until its time is up.

  assert training.wait() == 130
  wait_until_gone(training)
  error = 'the learner was killed before it had saved its last steps: '
  error += f'the same command resumes from {saved:,} steps'
  status = training.status()
  assert (status['state'], status['error']) == ('stopped', error)
  assert status['actor_steps'] == saved
  assert training.stdout.read_text().splitlines()[-1].endswith(error)


def test_killed_actor_is_started_again(training: small_runs.Training) -> None:
  training.node('actor').kill()
  assert training.wait() == 0, training.output()
  wait_until_gone(training)
  status = training.status()
  assert (status['state'], status['restarts']) == ('finished', 1)
  assert status['actor_steps'] >= STEPS
  assert 'node restart: actor/0 failed: killed by SIGKILL' in training.output()


@pytest.mark.parametrize('label', ['replay', 'counter', 'learner'])
@pytest.mark.slow
def test_loss_of_what_holds_data_takes_all_back_to_a_checkpoint(
  training: small_runs.Training, label: str
) -> None:
  training.node(label).kill()
  assert training.wait() == 0, training.output()
  wait_until_gone(training)
  status = training.status()
  assert (status['state'], status['restarts']) == ('finished', 1)
  assert f'run restart: {label}/0 failed: killed by SIGKILL' in training.output()
