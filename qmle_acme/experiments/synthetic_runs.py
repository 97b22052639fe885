"""A run on a synthetic problem: what QMLE has learned, and what its steps cost."""

from typing import Any, Protocol

import acme
import numpy as np

from qmle_acme.agents.qmle import QMLEBuilder, QMLEConfig
from qmle_acme.agents.qmle.predictors import CategoricalConfig, DeltaConfig
from qmle_acme.environments import synthetic
from qmle_acme.experiments.study import Record
from qmle_acme.experiments.training import Training
from qmle_acme.types import Array

# Observations on which the regret is measured; other seeds than any agent learns by.
_TEST_SEED = 2**31
_TEST_EPISODES = 100

# Learns a smooth function of observation and action from two thousand rewards.
CONFIG = QMLEConfig(
  batch_size=64,
  learning_rate=1e-3,
  samples_per_insert=64.0,
  min_replay_size=200,
  replay_size=20_000,
  epsilon=0.3,
  hidden_size=64,
  # Shares that give each its candidates in a small budget too.
  uniform_ratio=0.5,
  predictors=(DeltaConfig(0.25), CategoricalConfig(0.25)),
)


def run(problem: str, config: QMLEConfig, steps: int, seed: int) -> Record:
  """Returns regret, CPU time of decisions and learner steps, and parameters.

  Args:
    problem: a name within the family of synthetic environments.
    config: of the agent.
    steps: environment steps, an episode each.
    seed: of everything.
  """
  environment = synthetic.make(problem, seed)
  builder = QMLEBuilder(config, acme.make_environment_spec(environment))
  training = Training(builder, seed)
  record: Record = {}

  def measure(step: int) -> None:
    if step == steps:
      training.greedy.update(wait=True)
      record['regret'] = round(regret(training.greedy, problem), 5)
      record.update(training.costs(environment.reset().observation))

  training.run(environment, steps, measure)
  variables = training.learner.state['network'].variables
  record['parameters'] = sum(int(np.prod(v.shape)) for v in variables)
  return record


class Decides(Protocol):
  """Whoever chooses an action."""

  def select_action(self, observation: Array) -> Any:
    """Returns an action in the environment's form."""


def regret(actor: Decides, problem: str) -> float:
  """Returns by how much greedy actions fall short of the best, on average."""
  environment = synthetic.make(problem, _TEST_SEED)
  rewards = []
  for _ in range(_TEST_EPISODES):
    observation = environment.reset().observation
    rewards.append(environment.reward(observation, actor.select_action(observation)))
  return environment.optimal_reward - float(np.mean(rewards))
