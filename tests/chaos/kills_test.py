"""Real distributed runs whose processes are killed, again and again, by SIGKILL.

`CHAOS_KILLS` says how often each kind of process is killed, in one run for each kind.
"""

import dataclasses
import os
import pathlib
import re
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
import small_runs

from qmle_acme.runs import checkpointing
from qmle_acme.runs.config import FaultsConfig
from qmle_acme.runs.records import read_records

pytestmark = pytest.mark.chaos

KILLS = int(os.environ.get('CHAOS_KILLS', '20'))
# Steps that a run takes between two kills, at least.
STRIDE = 150
GONE_SECONDS = 10.0
PATIENCE_SECONDS = 180.0
RESUMED = re.compile(r"goes on from (?:.*'actor_steps': ([\d.]+)|the beginning)")


def make_config(run: pathlib.Path, **settings: Any) -> small_runs.RunConfig:
  """Returns a run that has steps left for all kills, and checkpoints every 3 s."""
  defaults: dict[str, Any] = {
    'env': 'control:cartpole:swingup',
    'layout': 'distributed',
    'steps': STRIDE * (KILLS + 4),
    'checkpoint_minutes': 0.05,
    'evaluation_period': 10 * STRIDE,
    # The learner, which actors wait for, has to take four steps for each of theirs.
    'qmle': dataclasses.replace(small_runs.QMLE, samples_per_insert=64.0),
    'faults': FaultsConfig(KILLS, KILLS, window_minutes=0.25),
  }
  return small_runs.make_config(run, **(defaults | settings))


class Chaos:
  """A run that is killed, and what has been seen of it."""

  def __init__(self, config: small_runs.RunConfig):
    self.config = config
    self.training = small_runs.Training(config)
    self.seen: dict[int, psutil.Process] = {}
    # Of the newest whole checkpoint at each kill.
    self.saved: list[float] = []

  def steps(self) -> int:
    """Returns the actor steps that the status names."""
    return self.training.folder.read_status().get('actor_steps', 0)

  def wait_for_stride(self) -> None:
    """Waits until the run goes on: until it has taken steps, and saved since then."""
    start: int | None = None
    deadline = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < deadline:
      assert self.training.process.poll() is None, self.training.output()
      self.look()
      steps = self.steps()
      start = steps if start is None else min(start, steps)
      if steps >= start + STRIDE:
        return
      time.sleep(0.2)
    raise AssertionError(self.training.output())

  def look(self) -> None:
    """Remembers the processes that are there."""
    for process in self.training.process.children(recursive=True):
      self.seen[process.pid] = process

  def kill(self, label: str) -> None:
    """Kills one process of a label."""
    self.saved.append(
      checkpointing.read_counts(self.training.folder).get('actor_steps', 0.0)
    )
    if label == 'main':
      self.training.kill()
      return
    self.training.node(label).kill()

  def start_again(self) -> None:
    """Gives the same command once more."""
    self.wait_until_gone()
    self.training = small_runs.Training(self.config)

  def wait_until_gone(self) -> None:
    """Waits until no process is left that was ever seen."""
    deadline = time.monotonic() + GONE_SECONDS
    while left := [p for p in self.seen.values() if small_runs.are_alive([p])]:
      assert time.monotonic() < deadline, left
      time.sleep(0.1)

  def resumes(self) -> list[float]:
    """Returns the steps from which the learner has gone on, each time."""
    log = self.training.log('learner-0')
    return [float(match[1] or 0) for match in RESUMED.finditer(log)]


@pytest.fixture
def chaos(tmp_path: pathlib.Path) -> Iterator[Chaos]:
  chaos = Chaos(make_config(tmp_path / 'run'))
  yield chaos
  chaos.training.kill()


def assert_whole(chaos: Chaos) -> None:
  """Asserts that a run has come to a good end, and that nothing of it is left."""
  assert chaos.training.wait() == 0, chaos.training.output()
  chaos.wait_until_gone()
  status = chaos.training.status()
  assert (status['state'], status['error']) == ('finished', None)
  assert status['actor_steps'] >= chaos.config.steps
  for path in (chaos.training.folder.evaluations, chaos.training.folder.metrics):
    steps = small_runs.column(read_records(path), 'actor_steps')
    assert steps == sorted(steps)


@pytest.mark.parametrize('label', ['actor', 'evaluator', 'replay'])
def test_node_is_killed_and_started_again_alone(chaos: Chaos, label: str) -> None:
  for _ in range(KILLS):
    chaos.wait_for_stride()
    chaos.kill(label)

  assert_whole(chaos)
  assert chaos.training.status()['restarts'] == KILLS
  assert len(chaos.resumes()) == 1


@pytest.mark.parametrize('label', ['counter', 'learner'])
def test_node_is_killed_and_all_go_back_to_a_checkpoint(
  chaos: Chaos, label: str
) -> None:
  for _ in range(KILLS):
    chaos.wait_for_stride()
    chaos.kill(label)

  assert_whole(chaos)
  assert chaos.training.status()['restarts'] == KILLS
  _, *resumes = chaos.resumes()
  assert len(resumes) == KILLS
  for saved, resumed in zip(chaos.saved, resumes, strict=True):
    assert resumed >= saved


def test_supervisor_is_killed_and_the_command_given_again(chaos: Chaos) -> None:
  for _ in range(KILLS):
    chaos.wait_for_stride()
    chaos.kill('main')
    chaos.start_again()

  assert_whole(chaos)
  _, *resumes = chaos.resumes()
  assert len(resumes) == KILLS
  for saved, resumed in zip(chaos.saved, resumes, strict=True):
    assert resumed >= saved
