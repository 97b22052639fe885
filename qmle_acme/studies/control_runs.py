"""A run on a task with long episodes: returns along the way, and what steps cost."""

import threading

import acme
import numpy as np

from qmle_acme import environments
from qmle_acme.agents.qmle import QMLEBuilder, QMLEConfig
from qmle_acme.experiments import evaluation
from qmle_acme.studies.study import Record
from qmle_acme.studies.training import Training

# Greedy episodes of an evaluation, always from the same states.
EPISODES = 3
_EVALUATIONS = 4


def run(
  name: str,
  config: QMLEConfig,
  steps: int,
  seed: int,
  agent: type[QMLEBuilder] = QMLEBuilder,
) -> list[Record]:
  """Returns a row for each evaluation: step and return; and the costs in each of them.

  Args:
    name: of the environment.
    config: of the agent.
    steps: environment steps.
    seed: of everything.
    agent: QMLE, or what is made of its parts.

  Raises:
    UserError: the agent cannot act in such an environment.
  """
  environment = environments.make(name, seed)
  builder = agent(config, acme.make_environment_spec(environment))
  training = Training(builder, seed)
  returns: list[Record] = []
  costs: Record = {}

  def measure(step: int) -> None:
    if step % (steps // _EVALUATIONS) == 0:
      returns.append({'step': step, 'return': _evaluate(training, name)})
    if step == steps:
      size = int(np.prod(environment.observation_spec().shape))
      costs.update(training.costs(np.zeros(size, np.float32)))

  training.run(environment, steps, measure)
  return [{**record, **costs} for record in returns]


def _evaluate(training: Training, name: str) -> float:
  """Returns the mean return of greedy episodes."""
  training.greedy.update(wait=True)
  with environments.make(name, seed=0) as environment:
    returns = evaluation.evaluate(
      training.greedy, environment, EPISODES, threading.Event()
    )
  return round(float(np.mean(returns)), 3)
