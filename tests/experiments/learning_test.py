"""QMLE learns: to a known optimum, and a task of the control suite."""

import dataclasses
import pathlib

import pytest
import small_runs
from small_runs import column

from qmle_acme.environments.bandit import NARROW, WIDE, Bandit
from qmle_acme.experiments import running
from qmle_acme.experiments.recording import read_records
from qmle_acme.experiments.run_folder import RunFolder

# Learns a smooth function of the action from two thousand rewards, in seconds.
BANDIT = dataclasses.replace(
  small_runs.QMLE,
  batch_size=64,
  learning_rate=1e-2,
  samples_per_insert=64.0,
  min_replay_size=200,
  epsilon=0.5,
  m_target=16,
  m_greedy=256,
  hidden_size=32,
)


@pytest.mark.parametrize(
  'seed', [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))]
)
def test_finds_the_narrow_high_mode_of_the_bandit(
  tmp_path: pathlib.Path, seed: int
) -> None:
  config = small_runs.make_config(
    tmp_path / 'run', seed=seed, steps=1_800, evaluation_period=300, qmle=BANDIT
  )

  assert running.run(config).state == 'finished'

  returns = column(
    read_records(RunFolder(config.run).evaluations), 'episode_return_mean'
  )
  assert WIDE.height < 0.9 * NARROW.height == 0.9 * Bandit.optimal_reward
  assert min(returns[-2:]) > 0.9 * Bandit.optimal_reward
