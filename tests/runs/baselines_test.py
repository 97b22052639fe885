"""D4PG and DMPO in whole runs: both layouts, resumed, evaluated; that they learn."""

import dataclasses
import pathlib
import re
import statistics
import threading
from typing import Any

import numpy as np
import pytest
import small_runs

from qmle_acme import training
from qmle_acme.agents.acme.d4pg import D4PGConfig
from qmle_acme.agents.acme.dmpo import DMPOConfig
from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.errors import UserError
from qmle_acme.policy import load_policy
from qmle_acme.runs import evaluation, factory
from qmle_acme.runs.config import RunConfig
from qmle_acme.runs.evaluations import best_of, read_evaluations
from qmle_acme.runs.factory import Role
from qmle_acme.runs.records import read_records
from qmle_acme.runs.run_folder import RunFolder

SMALL: dict[str, Any] = {
  'batch_size': 16,
  'samples_per_insert': 2.0,
  'min_replay_size': 100,
  'replay_size': 20_000,
  'policy_layer_sizes': (16, 16),
  'critic_layer_sizes': (16, 16),
  'variable_update_period': 20,
}
AGENTS: dict[str, dict[str, Any]] = {
  'd4pg': {'agent': 'd4pg', 'd4pg': D4PGConfig(**SMALL)},
  'dmpo': {'agent': 'dmpo', 'dmpo': DMPOConfig(**SMALL, num_samples=4)},
}
# Many cheap learner steps on a task whose returns grow within a few episodes.
LEARNS: dict[str, Any] = {
  'batch_size': 64,
  'policy_learning_rate': 1e-3,
  'critic_learning_rate': 1e-3,
  'samples_per_insert': 32.0,
  'min_replay_size': 500,
  'policy_layer_sizes': (64, 64),
  'critic_layer_sizes': (64, 64),
  'variable_update_period': 20,
}


def learner_steps(actor_steps: int) -> int:
  """Returns the steps that a learner of SMALL takes in the local layout."""
  return int((actor_steps - 100) * 2.0 / 16)


@pytest.mark.parametrize(
  'agent', ['d4pg', pytest.param('dmpo', marks=pytest.mark.slow)]
)
def test_local_run_goes_on_where_it_stopped(agent: str, tmp_path: pathlib.Path) -> None:
  config = small_runs.make_config(
    tmp_path / 'run',
    steps=300,
    evaluation_period=200,
    **AGENTS[agent],
  )
  assert training.run(config).state == 'finished'
  # Settings of another agent make no difference, those of its own do.
  more = dataclasses.replace(config, steps=400, qmle=QMLEConfig(bins=5))
  assert training.run(more).state == 'finished'
  other = dataclasses.replace(getattr(config, agent), n_step=7)
  with pytest.raises(UserError, match=rf'\({agent}.n_step: 5 -> 7\)'):
    training.run(dataclasses.replace(config, **{agent: other}))

  folder = RunFolder(config.run)
  records = read_records(folder.evaluations)
  steps = [(r['actor_steps'], r['learner_steps']) for r in records]
  assert steps == [(n, max(0, learner_steps(n))) for n in (0, 200, 300, 400)]
  assert greedy_return(folder, config) == records[-1]['episode_returns']
  best = max(records, key=lambda record: record['episode_return_mean'])
  assert greedy_return(folder, config, best=True) == best['episode_returns']
  policy = load_policy(folder.path, best=True)
  assert policy.step == best['actor_steps']
  assert policy.learner_step == best['learner_steps']


def greedy_return(
  folder: RunFolder, config: RunConfig, best: bool = False
) -> list[float]:
  """Returns what the newest checkpoint, or the best, gets where the evaluator acts."""
  seed = factory.make_seed(config, Role.EVALUATOR)
  policy = load_policy(folder.path, seed=seed, best=best)
  actor, environment = policy.as_actor(), policy.environment
  return evaluation.evaluate(actor, environment, 1, threading.Event())


@pytest.mark.slow
@pytest.mark.parametrize(
  ('agent', 'launch'), [('d4pg', 'threads'), ('dmpo', 'processes')]
)
def test_distributed_run_goes_on_where_it_stopped(
  agent: str, launch: str, tmp_path: pathlib.Path
) -> None:
  config = small_runs.make_config(
    tmp_path / 'run', layout='distributed', launch=launch, steps=600, **AGENTS[agent]
  )
  for steps in (600, 900):
    training = small_runs.train(dataclasses.replace(config, steps=steps))
    status = training.status()
    assert (status['state'], status['error']) == ('finished', None)
    assert steps <= status['actor_steps'] <= steps + 2 * 20
    # What the rate limiter's error buffer allows, in learner steps.
    due = learner_steps(status['actor_steps'])
    assert abs(status['learner_steps'] - due) <= 2 * 32 * 2.0 / 16 + 4
    last = read_records(training.folder.evaluations)[-1]
    assert last['learner_steps'] == status['learner_steps']
    # By the evaluator's own variables, which the counter has written.
    best = best_of(read_evaluations(training.folder))
    assert best is not None
    assert greedy_return(training.folder, config, True) == list(best.episode_returns)
    if launch == 'processes':  # Of threads, Reverb speaks up when the process ends.
      (idle,) = training.complaints()
      assert re.fullmatch(f'without effect: (qmle\\S+ )+the agent is {agent}', idle)


@pytest.mark.slow
@pytest.mark.parametrize(
  ('agent', 'settings'),
  [
    ('d4pg', {'d4pg': D4PGConfig(**LEARNS)}),
    ('dmpo', {'dmpo': DMPOConfig(**LEARNS)}),
  ],
)
def test_runs_much_faster_than_by_random_actions(
  agent: str, settings: dict[str, Any], tmp_path: pathlib.Path
) -> None:
  config = small_runs.make_config(
    tmp_path / 'run',
    env='control:cheetah:run',
    agent=agent,
    steps=10_000,
    evaluation_period=2_500,
    **settings,
  )
  assert training.run(config).state == 'finished'

  folder = RunFolder(config.run)
  untrained, *_, late, last = (
    record['episode_return_mean'] for record in read_records(folder.evaluations)
  )
  returns = [
    record['episode_return']
    for record in read_records(folder.metrics)
    if record['source'] == 'actor'
  ]
  assert statistics.fmean([late, last]) > 3.0 * max(untrained, returns[0])
  learned = [r for r in read_records(folder.metrics) if r['source'] == 'learner']
  assert all(np.isfinite(record['critic_loss']) for record in learned)
