"""QMLE learns: to a known optimum, and a task of the control suite."""

import dataclasses
import pathlib
import statistics

import numpy as np
import pytest
import small_runs
from small_runs import column

from qmle_acme import environments, training
from qmle_acme.environments.bandit import NARROW, WIDE, Bandit
from qmle_acme.runs.records import read_records
from qmle_acme.runs.run_folder import RunFolder

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
# Many cheap learner steps: a cheetah learns to run within four of its episodes.
CHEETAH = dataclasses.replace(
  small_runs.QMLE,
  batch_size=64,
  learning_rate=1e-3,
  samples_per_insert=32.0,
  min_replay_size=500,
  n_step=3,
  discount=0.97,
  target_update_period=50,
  m_target=16,
  m_greedy=32,
  hidden_size=64,
)

PROPOSERS = ('uniform', 'delta', 'categorical', 'cache')


@pytest.mark.parametrize(
  'seed', [1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (2, 3))]
)
def test_finds_the_narrow_high_mode_of_the_bandit(
  tmp_path: pathlib.Path, seed: int
) -> None:
  config = small_runs.make_config(
    tmp_path / 'run', seed=seed, steps=1_800, evaluation_period=300, qmle=BANDIT
  )

  assert training.run(config).state == 'finished'

  returns = column(
    read_records(RunFolder(config.run).evaluations), 'episode_return_mean'
  )
  assert WIDE.height < 0.9 * NARROW.height == 0.9 * Bandit.optimal_reward
  assert min(returns[-2:]) > 0.9 * Bandit.optimal_reward


@pytest.mark.slow
def test_runs_much_faster_than_by_random_actions(tmp_path: pathlib.Path) -> None:
  name = 'control:cheetah:run'
  config = small_runs.make_config(
    tmp_path / 'run', env=name, steps=4_000, evaluation_period=1_000, qmle=CHEETAH
  )

  assert training.run(config).state == 'finished'

  folder = RunFolder(config.run)
  untrained, *_, late, last = column(
    read_records(folder.evaluations), 'episode_return_mean'
  )
  random_return = statistics.fmean(random_returns(name, episodes=5))
  assert statistics.fmean([late, last]) > 3.0 * max(random_return, untrained)
  metrics = [m for m in read_records(folder.metrics) if m['source'] == 'learner']
  assert_plausible(metrics)


def assert_plausible(metrics: list[dict[str, float]]) -> None:
  """Asserts what holds of the learner's metrics in any run that learns."""
  names = ('q_tm1', 'q_max', 'q_loss', 'predictor_loss', 'td_error', 'priority_mean')
  for record in metrics:
    assert all(np.isfinite(record[name]) for name in names)
    shares = {k: v for k, v in record.items() if k.startswith('winner/')}
    assert shares.keys() == {f'winner/{p}' for p in PROPOSERS}
    assert all(0.0 <= share <= 1.0 for share in shares.values())
    assert sum(shares.values()) >= 1.0 - 1e-4  # Equal candidates win together.
    assert min(record[f'gain/{p}'] for p in PROPOSERS[1:3]) >= 0.0
  assert metrics[-1]['cache_hit_rate'] > 0.9
  steps = column(metrics, 'learner_steps')
  assert steps == sorted(steps) and steps[-1] > 1_000


def random_returns(name: str, episodes: int) -> list[float]:
  """Returns what uniformly random actions get."""
  environment = environments.make(name, seed=1)
  spec = environment.action_spec()
  generator = np.random.default_rng(1)
  returns = []
  for _ in range(episodes):
    timestep, total = environment.reset(), 0.0
    while not timestep.last():
      timestep = environment.step(generator.uniform(spec.minimum, spec.maximum))
      total += timestep.reward
    returns.append(total)
  return returns
