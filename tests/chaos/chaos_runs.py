"""Real distributed runs that something happens to, and what has been seen of them."""

import dataclasses
import os
import pathlib
import re
import time
from typing import Any

import psutil
import saved_cache
import small_runs

from qmle_acme.runs import checkpointing, replay_checkpoints
from qmle_acme.runs.records import read_records

# Steps that a run takes between two kills, at least.
STRIDE = 150
GONE_SECONDS = 10.0
PATIENCE_SECONDS = float(os.environ.get('CHAOS_PATIENCE_SECONDS', '180'))
RESUMED = re.compile(r"goes on from (?:.*'actor_steps': ([\d.]+)|the beginning)")


def make_config(
  run: pathlib.Path, strides: int, **settings: Any
) -> small_runs.RunConfig:
  """Returns a run of so many strides, which saves every three seconds."""
  defaults: dict[str, Any] = {
    'env': 'control:cartpole:swingup',
    'layout': 'distributed',
    'steps': STRIDE * strides,
    'checkpoint_minutes': 0.05,
    'evaluation_period': 10 * STRIDE,
    # The learner, which actors wait for, has to take four steps for each of theirs.
    'qmle': dataclasses.replace(small_runs.QMLE, samples_per_insert=64.0),
  }
  return small_runs.make_config(run, **(defaults | settings))


class Chaos:
  """A run, and what has been seen of it."""

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
    elif label == 'nursery':
      self.training.nursery().kill()
    else:
      self.training.node(label).kill()

  def rows_saved(self) -> int:
    """Returns how many rows had been written by what replay would go on from."""
    stored = replay_checkpoints._to_resume(self.training.folder)
    if stored is None:
      return 0
    return replay_checkpoints._read_table(stored).rate_limiter.insert_count

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

  def close(self) -> None:
    """Ends it, if it has not ended."""
    self.training.kill()

  def resumes(self) -> list[float]:
    """Returns the steps from which the learner has gone on, each time."""
    log = self.training.log('learner-0')
    return [float(match[1] or 0) for match in RESUMED.finditer(log)]

  def assert_whole(self) -> None:
    """Asserts that a run has come to a good end, and that nothing of it is left."""
    taken, since = 0, time.monotonic()
    while self.training.process.poll() is None:
      if self.steps() != taken:
        taken, since = self.steps(), time.monotonic()
      assert time.monotonic() < since + PATIENCE_SECONDS, self.training.output()
      self.look()
      time.sleep(0.2)
    assert self.training.wait() == 0, self.training.output()
    self.wait_until_gone()
    status = self.training.status()
    assert (status['state'], status['error']) == ('finished', None)
    assert status['actor_steps'] >= self.config.steps
    assert saved_cache.assert_whole(self.training.folder) > 0
    for path in (self.training.folder.evaluations, self.training.folder.metrics):
      steps = small_runs.column(read_records(path), 'actor_steps')
      assert steps == sorted(steps)
