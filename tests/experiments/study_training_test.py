"""A short run of an agent in this process: its pace, and what it measures."""

import dataclasses

import acme
import numpy as np
import pytest

from qmle_acme.agents.qmle import QMLEBuilder
from qmle_acme.environments import make
from qmle_acme.experiments import synthetic_runs
from qmle_acme.experiments.study import Record
from qmle_acme.experiments.training import Training

CONFIG = dataclasses.replace(
  synthetic_runs.CONFIG,
  batch_size=16,
  samples_per_insert=8.0,
  min_replay_size=20,
  m_target=8,
  m_greedy=8,
  hidden_size=16,
)


def test_takes_the_learner_steps_that_are_due_and_measures_their_cost() -> None:
  environment = make('synthetic:box:2', seed=1)
  builder = QMLEBuilder(CONFIG, acme.make_environment_spec(environment))
  training = Training(builder, seed=1)
  learner_steps: dict[int, int] = {}
  costs: Record = {}

  def look(step: int) -> None:
    learner_steps[step] = training.learner.steps
    if step == 60:
      costs.update(training.costs(np.zeros(2, np.float32)))

  training.run(environment, 60, look)

  assert list(learner_steps) == list(range(1, 61))
  assert learner_steps[20] == 0
  # (60 - 20) inserts, each sampled 8 times, in batches of 16.
  assert learner_steps[60] == 20
  assert min(float(cost) for cost in costs.values()) > 0.0
  assert costs.keys() == {'decision_ms', 'learner_step_ms'}
  with pytest.raises(StopIteration):  # No thread waits for the server any more.
    training.learner.step()


def test_regret_is_that_of_the_greedy_agent() -> None:
  environment = make('synthetic:box:2', seed=1)

  class Oracle:
    def select_action(self, observation: np.ndarray) -> np.ndarray:
      return environment.optimal_action(observation)

  class Idle:
    def select_action(self, observation: np.ndarray) -> np.ndarray:
      return np.zeros(2, np.float32)

  assert abs(synthetic_runs.regret(Oracle(), 'box:2')) < 1e-6
  # The mean of 1 - exp(-2 c^2) for c between -0.8 and 0.8.
  assert 0.1 < synthetic_runs.regret(Idle(), 'box:2') < 0.4
