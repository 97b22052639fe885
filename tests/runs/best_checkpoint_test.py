"""The best policy is the very one that was evaluated, and outlives what comes later."""

import errno
import os
import pathlib
import threading

import dm_env
import numpy as np
import pytest
import tensorflow as tf

from qmle_acme import environments
from qmle_acme.agents import Actor
from qmle_acme.errors import UserError
from qmle_acme.runs import best_checkpoint, checkpointing, evaluation
from qmle_acme.runs.recording import Recorder
from qmle_acme.runs.run_folder import RunFolder


class Place(tf.Module):
  """Where on the bandit's line an actor pulls."""

  def __init__(self) -> None:
    super().__init__()
    self.x = tf.Variable(0.0)


class Pull(Actor):
  """Takes one of the places that a learner publishes, in their order."""

  def __init__(self, places: list[float]):
    self._place, self._next = Place(), iter(places)
    self.parts = {'network': self._place}

  def select_action(self, observation: np.ndarray) -> np.ndarray:
    return np.full(2, self._place.x.numpy(), np.float32)

  def observe_first(self, timestep: dm_env.TimeStep) -> None:
    pass

  def observe(self, action: np.ndarray, next_timestep: dm_env.TimeStep) -> None:
    pass

  def update(self, wait: bool = False) -> None:
    self._place.x.assign(next(self._next))


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> RunFolder:
  return RunFolder(tmp_path)


def evaluate(folder: RunFolder, places: list[float], first_steps: int = 10) -> Recorder:
  """Evaluates once at each place, 10 actor steps apart, in a new part of a run."""
  recorder = Recorder(str(folder.path))
  recorder.restore({'actor_steps': first_steps - 10})
  evaluator = evaluation.Evaluator(
    Pull(places),
    lambda: environments.make('bandit:bimodal', seed=1),
    recorder,
    period=10,
    episodes=1,
    stop=threading.Event(),
  )
  for _ in places:
    recorder.increment(actor_steps=10)
    evaluator.evaluate_finally()
  return recorder


def read_best(folder: RunFolder) -> tuple[float, float]:
  """Returns the steps of the best checkpoint, and the place in it."""
  stored, place = best_checkpoint.find(folder), Place()
  checkpointing.restore_parts(stored, network=place)
  return stored.counts['actor_steps'], float(place.x)


def test_it_is_of_the_best_evaluation_and_not_of_a_later_one(folder: RunFolder) -> None:
  recorder = evaluate(folder, [-0.9, -0.5, 0.0])  # The wide bump is about -0.5.
  assert read_best(folder) == (20, -0.5)
  with pytest.raises(UserError, match='no checkpoint yet: take the best policy so far'):
    checkpointing.newest(folder)
  last = recorder.last_evaluation()
  best = recorder.best_return()
  assert best is not None and last is not None
  assert best > last['episode_return_mean']


def test_it_outlives_a_resume_and_only_a_better_one_takes_its_place(
  folder: RunFolder,
) -> None:
  evaluate(folder, [-0.5])
  evaluate(folder, [-0.5, -0.9], first_steps=10)  # Back to the beginning.
  assert read_best(folder) == (10, -0.5)
  assert best_checkpoint.store(folder).numbers() == [1]  # An equal one is no better.
  evaluate(folder, [-0.6, 0.5, 0.0], first_steps=40)
  assert read_best(folder) == (50, 0.5)


def test_a_damaged_one_is_said_and_the_best_before_it_is_used(
  folder: RunFolder,
) -> None:
  evaluate(folder, [-0.9, -0.5])
  (data,) = best_checkpoint.find(folder).path.glob('*.data-*')
  data.write_bytes(data.read_bytes()[:-1])
  (line,) = checkpointing.forget_damaged(folder)
  assert line.startswith(str(data)) and 'is not what was written' in line
  assert read_best(folder)[0] == 10


def test_full_disk_is_a_warning_and_the_best_before_stays(
  folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
  evaluate(folder, [-0.9])

  def full(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))  # It names no file.

  monkeypatch.setattr(best_checkpoint, 'keep', full)
  recorder = evaluate(folder, [-0.5], first_steps=20)
  warning = f'the best policy is not kept: no space left in {folder.path}'
  assert recorder.snapshot()['warning'] == warning
  assert read_best(folder)[0] == 10


def test_a_run_without_one_says_so(folder: RunFolder) -> None:
  with pytest.raises(UserError, match='has no best checkpoint'):
    best_checkpoint.find(folder)
