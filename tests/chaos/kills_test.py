"""Each kind of process is killed, again and again, by SIGKILL.

`CHAOS_KILLS` says how often, in one run for each kind.
"""

import contextlib
import os
import pathlib
from collections.abc import Iterator

import pytest
from chaos_runs import Chaos, make_config

from qmle_acme.runs.config import FaultsConfig

pytestmark = pytest.mark.chaos

KILLS = int(os.environ.get('CHAOS_KILLS', '20'))


@pytest.fixture
def chaos(tmp_path: pathlib.Path) -> Iterator[Chaos]:
  """A run that has steps left for all kills."""
  faults = FaultsConfig(KILLS, KILLS, window_minutes=0.25)
  chaos = Chaos(make_config(tmp_path / 'run', 3 * KILLS + 4, faults=faults))
  with contextlib.closing(chaos):
    yield chaos


def assert_resumed_from_checkpoints(chaos: Chaos) -> None:
  """Asserts that the learner went on, after each kill, from no less than was saved."""
  _, *resumes = chaos.resumes()
  assert len(resumes) == KILLS
  for saved, resumed in zip(chaos.saved, resumes, strict=True):
    assert resumed >= saved


@pytest.mark.parametrize('label', ['actor', 'evaluator'])
def test_node_is_killed_and_started_again_alone(chaos: Chaos, label: str) -> None:
  for _ in range(KILLS):
    chaos.wait_for_stride()
    chaos.kill(label)

  chaos.assert_whole()
  assert chaos.training.status()['restarts'] == KILLS
  assert len(chaos.resumes()) == 1


def test_replay_is_killed_and_loses_no_row_of_its_checkpoint(chaos: Chaos) -> None:
  saved = [0]
  for _ in range(KILLS):
    chaos.wait_for_stride()
    saved.append(chaos.rows_saved())
    chaos.kill('replay')

  chaos.assert_whole()
  assert chaos.training.status()['restarts'] == KILLS
  assert len(chaos.resumes()) == 1
  saved.append(chaos.rows_saved())
  assert saved == sorted(saved) and saved[-2] > 0


@pytest.mark.parametrize('label', ['counter', 'learner'])
def test_node_is_killed_and_all_go_back_to_a_checkpoint(
  chaos: Chaos, label: str
) -> None:
  for _ in range(KILLS):
    chaos.wait_for_stride()
    chaos.kill(label)

  chaos.assert_whole()
  assert chaos.training.status()['restarts'] == KILLS
  assert_resumed_from_checkpoints(chaos)


def test_nursery_is_killed_and_all_go_back_to_a_checkpoint(chaos: Chaos) -> None:
  for _ in range(KILLS):
    chaos.wait_for_stride()
    chaos.kill('nursery')

  chaos.assert_whole()
  assert_resumed_from_checkpoints(chaos)


def test_supervisor_is_killed_and_the_command_given_again(chaos: Chaos) -> None:
  for _ in range(KILLS):
    chaos.wait_for_stride()
    chaos.kill('main')
    chaos.start_again()

  chaos.assert_whole()
  assert_resumed_from_checkpoints(chaos)
