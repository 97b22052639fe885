"""How far the compiled arg max agrees with the plain layers, on a trained network.

B states, N candidates.
"""

import itertools
import pathlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from qmle_acme.agents.qmle.networks import QMLENetwork
from qmle_acme.errors import UserError
from qmle_acme.policy import Policy, load_policy
from qmle_acme.runs import checkpointing
from qmle_acme.runs.config import RunConfig
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.speed.timing import rounded
from qmle_acme.types import Array

_STATES = 1_000
_SEED = 1
# States whose candidates the plain layers take at once.
_CHUNK = 20


def check(run: str) -> RunConfig:
  """Returns the settings of the run of QMLE in a folder.

  Raises:
    UserError: it is no run, one of another agent, or one without a checkpoint.
  """
  folder = RunFolder(pathlib.Path(run))
  config = folder.read_config()
  if config.agent != 'qmle':
    raise UserError(f'{run} is a run of {config.agent}: name one of qmle')
  checkpointing.newest(folder)
  return config


def measure(run: str) -> Iterator[dict[str, Any]]:
  """Yields how often the winners are the same, and what the others lack.

  Args:
    run: folder of a QMLE run with a checkpoint; the states are those of its greedy
      policy.

  Raises:
    UserError: it is a run of another agent, or without a checkpoint.
  """
  config, policy = check(run), load_policy(run, seed=_SEED)
  observations = np.stack(list(itertools.islice(_steps(policy), _STATES)))
  yield {
    'run': run,
    'task': config.env,
    'actor_steps': policy.step,
    'states': len(observations),
    'candidates': [
      {'count': count, **_compare(policy.network, observations, count)}
      for count in (config.qmle.m_target, config.qmle.m_greedy)
    ],
  }


def _steps(policy: Policy) -> Iterator[Array]:
  """Yields observations [O] of the greedy policy, one episode after another."""
  environment = policy.environment
  while True:
    timestep = environment.reset()
    while not timestep.last():
      yield timestep.observation
      timestep = environment.step(policy.select_action(timestep.observation))


def _compare(network: QMLENetwork, observations: Array, count: int) -> dict[str, Any]:
  """Returns the share of states with the same winner, and how much the others lack."""
  lacks, is_same = [], []
  for first in range(0, len(observations), _CHUNK):
    embeddings = network.embed(observations[first : first + _CHUNK])
    seed = tf.constant([_SEED, first])
    candidates = network.ensemble.propose(embeddings, count, seed).actions
    best, _ = network.q.argmax(embeddings, candidates)
    values = network.q_values(embeddings, candidates).numpy()  # [B, N]
    of_best = np.take_along_axis(values, best.numpy()[:, None], axis=1)[:, 0]
    lacks.append((values.max(axis=1) - of_best) / np.ptp(values, axis=1))
    is_same.append(values.argmax(axis=1) == best.numpy())
  lack = np.concatenate(lacks)
  return {
    'same_winner': rounded(float(np.mean(np.concatenate(is_same)))),
    'lack_of_range_mean': rounded(float(lack.mean())),
    'lack_of_range_99': rounded(float(np.quantile(lack, 0.99))),
    'lack_of_range_max': rounded(float(lack.max())),
  }
