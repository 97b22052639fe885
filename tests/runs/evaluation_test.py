"""When evaluations happen, and that they compare like with like."""

import functools
import pathlib
import threading
from collections.abc import Callable
from typing import Any

import dm_env
import numpy as np
import pytest
import tensorflow as tf
from acme import wrappers

from qmle_acme import actions, environments
from qmle_acme.agents import Actor
from qmle_acme.environments import checked
from qmle_acme.runs import evaluation
from qmle_acme.runs.loop import RunOver
from qmle_acme.runs.recording import Recorder
from qmle_acme.runs.records import read_records
from qmle_acme.runs.run_folder import RunFolder


class Push(Actor):
  """Takes an action that is fetched from the learner, here a counter of fetches."""

  def __init__(self) -> None:
    self.fetches = 0
    self.first_observations: list[np.ndarray] = []

  def select_action(self, observation: np.ndarray) -> np.ndarray:
    return np.full(2, -0.1 * self.fetches, np.float32)

  def observe_first(self, timestep: dm_env.TimeStep) -> None:
    self.first_observations.append(timestep.observation)

  def observe(self, action: np.ndarray, next_timestep: dm_env.TimeStep) -> None:
    pass

  def update(self, wait: bool = False) -> None:
    assert wait, 'an evaluation needs the newest variables'
    self.fetches += 1


@pytest.fixture
def folder(tmp_path: pathlib.Path) -> RunFolder:
  return RunFolder(tmp_path)


def make_evaluator(
  folder: RunFolder, actor: Actor, stop: threading.Event | None = None
) -> tuple[evaluation.Evaluator, Recorder]:
  recorder = Recorder(str(folder.path))
  recorder.restore({})
  return evaluator_of(recorder, actor, stop or threading.Event()), recorder


CONTROL = 'control:point_mass:easy'
BANDIT = functools.partial(environments.make, 'bandit:bimodal', seed=1)


def evaluator_of(
  recorder: Recorder,
  actor: Actor,
  stop: threading.Event,
  env: Callable[[], dm_env.Environment] = BANDIT,
) -> evaluation.Evaluator:
  return evaluation.Evaluator(actor, env, recorder, period=100, episodes=2, stop=stop)


def steps_of(folder: RunFolder) -> list[tuple[int, int]]:
  records = read_records(folder.evaluations)
  return [(record['actor_steps'], record['learner_steps']) for record in records]


def test_evaluates_once_a_period(folder: RunFolder) -> None:
  actor = Push()
  evaluator, recorder = make_evaluator(folder, actor)
  evaluator.evaluate_if_due(0)
  for _ in range(26):
    steps = recorder.increment(actor_steps=20, learner_steps=1)['actor_steps']
    evaluator.evaluate_if_due(int(steps))
  evaluator.evaluate_finally()
  evaluator.evaluate_finally()

  assert [a for a, _ in steps_of(folder)] == [0, 100, 200, 300, 400, 500, 520]
  assert actor.fetches == 7
  records = read_records(folder.evaluations)
  assert all(len(record['episode_returns']) == 2 for record in records)
  means = [record['episode_return_mean'] for record in records]
  assert means[:4] == sorted(means[:4])  # The action walks up to the wide bump.


def test_periods_missed_while_busy_are_not_made_up_for(folder: RunFolder) -> None:
  evaluator, recorder = make_evaluator(folder, Push())
  for steps in (150, 170, 460, 499):
    now = recorder.get_counts().get('actor_steps', 0)
    recorder.increment(actor_steps=steps - now)
    evaluator.evaluate_if_due(steps)

  assert [a for a, _ in steps_of(folder)] == [150, 460]


def test_final_evaluation_is_of_the_final_variables(folder: RunFolder) -> None:
  evaluator, recorder = make_evaluator(folder, Push())
  recorder.increment(actor_steps=100, learner_steps=4)
  evaluator.evaluate_if_due(100)
  recorder.increment(learner_steps=1)

  evaluator.evaluate_finally()

  assert steps_of(folder) == [(100, 4), (100, 5)]


def test_resumed_evaluator_goes_on_where_the_records_end(folder: RunFolder) -> None:
  evaluator, recorder = make_evaluator(folder, Push())
  recorder.increment(actor_steps=130, learner_steps=4)
  evaluator.evaluate_if_due(130)
  counts = recorder.get_counts()

  resumed = Recorder(str(folder.path))
  resumed.restore(counts)
  evaluator = evaluator_of(resumed, Push(), threading.Event())
  evaluator.evaluate_finally()
  evaluator.evaluate_if_due(130)
  assert steps_of(folder) == [(130, 4)]

  resumed.increment(actor_steps=70)
  evaluator.evaluate_if_due(200)
  assert steps_of(folder) == [(130, 4), (200, 4)]


class Various(Push):
  """Takes uniform actions, others in each evaluation."""

  def __init__(self, spec: Any):
    super().__init__()
    self._space = actions.make(spec, bins=3)

  def select_action(self, observation: np.ndarray) -> Any:
    seed = tf.constant([self.fetches, len(self.first_observations)])
    return self._space.to_environment(self._space.sample_uniform((), seed).numpy())


@pytest.mark.parametrize(
  'name',
  ['hybrid:goal', 'hybrid:goal:released', 'hybrid:platform', 'recommender:1000'],
)
def test_initial_states_do_not_depend_on_what_is_done(name: str) -> None:
  actor = Various(environments.make(name, 1).action_spec())
  for _ in range(2):
    evaluation.evaluate(actor, environments.make(name, 1), 5, threading.Event())
  first, again = np.split(np.stack(actor.first_observations), 2)
  np.testing.assert_array_equal(first, again)
  if name != 'hybrid:platform':  # Which has one.
    assert len(np.unique(first, axis=0)) == 5


def test_every_evaluation_has_the_same_initial_states(folder: RunFolder) -> None:
  actor, other = Push(), Push()
  make = functools.partial(environments.make, CONTROL)
  for seed, who in ((1, actor), (1, actor), (2, other)):
    evaluation.evaluate(who, make(seed=seed), 2, threading.Event())

  first, second, again, again_second = actor.first_observations
  np.testing.assert_array_equal(first, again)
  np.testing.assert_array_equal(second, again_second)
  assert not np.array_equal(first, second)
  assert not np.array_equal(first, other.first_observations[0])


def test_a_return_may_be_larger_than_any_reward() -> None:
  # In float32, whose largest number is 3.4e38, the sum of two would be infinite.
  class Rich(wrappers.EnvironmentWrapper):
    def step(self, action: np.ndarray) -> dm_env.TimeStep:
      return super().step(action)._replace(reward=3e38)

  environment = checked.Checked(Rich(environments.make(CONTROL, seed=1)), 'rich')
  (episode_return,) = evaluation.evaluate(Push(), environment, 1, threading.Event())
  assert episode_return == pytest.approx(1_000 * 3e38)


def test_stop_ends_an_evaluation_in_the_middle_and_records_nothing(
  folder: RunFolder,
) -> None:
  stop = threading.Event()
  evaluator, _ = make_evaluator(folder, Push(), stop)
  stop.set()

  with pytest.raises(RunOver):
    evaluator.evaluate_if_due(0)
  assert read_records(folder.evaluations) == []


def test_what_the_actor_expected_stands_beside_what_came(folder: RunFolder) -> None:
  actor = Push()
  said = iter([{'q_start': q, 'discounted_return': 1.0} for q in (3.0, 5.0)])
  actor.episode_record = lambda: next(said)  # type: ignore[method-assign]
  evaluator, _ = make_evaluator(folder, actor)
  evaluator.evaluate_if_due(0)

  (record,) = read_records(folder.evaluations)
  assert record['q_start_mean'] == 4.0 and record['discounted_return_mean'] == 1.0
