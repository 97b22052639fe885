"""Whole runs in environments that do what they should not, in a folder of odd name."""

import pathlib
from typing import Any

import odd_environments
import pytest
import small_runs

from qmle_acme import training
from qmle_acme.errors import UserError
from qmle_acme.runs import checkpointing
from qmle_acme.runs.run_folder import RunFolder

STEPS = 2 * odd_environments.STEP
FAULTS = {
  'nan': 'step 30: reward is nan: it must be finite in float32',
  'none': 'step 30: reward is None: it must be one number',
  'huge': 'step 30: reward is 1e+39: it must be finite in float32',
  'vector': 'step 30: reward is array([0., 0.]): it must be one number',
  'nan-seen': 'step 30: observation is nan at place 0: it must be finite in float32',
  'shape': 'step 30: observation has the shape (2,): it must be (1,)',
  'raises': 'step 30: ConnectionError: simulator [bold]gone[/bold] see /var/log/sim',
  'panics': 'step 30: Panic: index out of bounds',
  'interrupts': 'KeyboardInterrupt',  # Nobody has pressed a key.
  'mute': 'step 30: Mute',
  'exits': 'step 30: left the process by sys.exit(0)',
}


# The others are tested at the edge too (tests/environments/checked_test.py).
FAST = ('nan', 'raises', 'panics', 'exits')


@pytest.mark.parametrize(
  'habit',
  [h if h in FAST else pytest.param(h, marks=pytest.mark.slow) for h in FAULTS],
)
def test_a_fault_is_one_line_all_steps_are_saved_and_a_mended_environment_goes_on(
  habit: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
  folder = RunFolder(tmp_path / 'sweep[lr=0.1] *?')
  config = small_runs.make_config(
    folder.path, env=f'gymnasium:odd_environments:Faulty-{habit}-v0', steps=STEPS
  )

  outcome = training.run(config)

  assert (outcome.state, outcome.exit_code) == ('failed', 1)
  assert outcome.error is not None and FAULTS[habit] in outcome.error
  assert '\n' not in outcome.error
  assert f'failed: {outcome.error}; 29 steps saved' in capfd.readouterr().out
  assert folder.read_status()['state'] == 'failed'
  assert checkpointing.read_counts(folder)['actor_steps'] == 29

  monkeypatch.setattr(odd_environments.Faulty, 'is_mended', True)
  assert training.run(config).state == 'finished'
  assert 'resuming from 29 steps' in capfd.readouterr().out
  assert folder.read_status()['actor_steps'] == STEPS


def test_a_disk_that_fills_up_is_one_line_and_the_checkpoint_before_it_is_kept(
  small_disk: pathlib.Path, capfd: Any
) -> None:
  folder = RunFolder(small_disk / 'run')
  config = small_runs.make_config(folder.path, steps=60, checkpoint_minutes=1e-5)

  def poll() -> bool:
    if checkpointing.read_counts(folder).get('actor_steps') == 20:
      small_runs.fill(small_disk)
    return False

  outcome = training.run(config, poll=poll)

  assert (outcome.state, outcome.exit_code) == ('failed', 1)
  full = 'cannot save the learner of 60 steps: No space left on device'
  assert outcome.error is not None and full in outcome.error
  output = capfd.readouterr().out
  free = f'warning: 0.0 GiB free in {folder.path}: checkpoints and records may take up'
  assert free in output
  assert f'failed: {outcome.error}; 20 steps saved' in output
  assert folder.read_status()['state'] == 'failed'
  assert checkpointing.read_counts(folder)['actor_steps'] == 20
  assert not list(folder.path.glob('.status*'))
  with pytest.raises(UserError, match=r'cannot write in .*: No space left on device'):
    training.run(config)

  (small_disk / 'filler').unlink()
  assert training.run(config).state == 'finished'


def test_a_reward_in_an_array_is_taken_as_its_number(tmp_path: pathlib.Path) -> None:
  config = small_runs.make_config(
    tmp_path / 'run', env='gymnasium:odd_environments:Faulty-array-v0', steps=STEPS
  )
  assert training.run(config).state == 'finished'
