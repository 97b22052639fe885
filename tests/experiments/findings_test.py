"""What the quick form of each study finds: the direction of its effect."""

import pathlib
from collections.abc import Sequence

import numpy as np
import pytest

from qmle_acme.experiments import bandit, conducting, dimensions
from qmle_acme.experiments.statistics import group
from qmle_acme.experiments.study import Record

pytestmark = pytest.mark.slow


def quickly(name: str, folder: pathlib.Path) -> list[Record]:
  """Returns the rows of the quick form of a study."""
  return conducting.conduct(name, folder, True, None, show=lambda *_: None)


def mean(records: Sequence[Record], name: str) -> float:
  return float(np.mean([float(record[name]) for record in records]))


def test_bandit_only_global_sampling_finds_the_narrow_mode(
  tmp_path: pathlib.Path,
) -> None:
  records = quickly('bandit', tmp_path)
  final = [r for r in records if r['kind'] == 'chosen' and r['step'] == r['steps']]
  rewards = {
    method: [float(r['reward']) for r in runs]
    for method, runs in group(final, lambda r: r['method']).items()
  }
  assert min(rewards['cached']) > bandit.SUCCESS
  assert max(rewards['dpg'] + rewards['local']) < bandit.SUCCESS


def test_dimensions_predictors_help_where_there_are_many(
  tmp_path: pathlib.Path,
) -> None:
  records = quickly('dimensions', tmp_path)
  groups = group(records, lambda r: (r['dimensions'], r['proposal']))
  regrets = {key: mean(runs, 'regret') for key, runs in groups.items()}
  alone, helped = dimensions.PROPOSALS
  assert max(regrets[2, alone], regrets[2, helped]) < regrets[40, helped]
  assert regrets[40, helped] < 0.7 * regrets[40, alone]


def test_locality_local_sampling_alone_sticks_where_it_is_rugged(
  tmp_path: pathlib.Path,
) -> None:
  groups = group(quickly('locality', tmp_path), lambda r: (r['rugged'], r['local']))
  regrets = {key: mean(records, 'regret') for key, records in groups.items()}
  assert max(regrets[0.0, 0.5], regrets[0.0, 1.0]) < 0.05
  assert regrets[1.0, 0.5] < 0.8 * regrets[1.0, 1.0]


def test_budget_costs_grow_with_the_candidates(tmp_path: pathlib.Path) -> None:
  records = quickly('budget', tmp_path)
  groups = group(records, lambda r: r['m_target'])
  for cost in ('learner_step_ms', 'decision_ms'):
    assert mean(groups[2_000], cost) > 1.5 * mean(groups[2], cost)


def test_ablation_predictors_and_many_candidates_help_in_many_dimensions(
  tmp_path: pathlib.Path,
) -> None:
  groups = group(quickly('ablation', tmp_path), lambda r: r['form'])
  # Before the second of the four evaluations little is learned.
  returns = {
    form: mean([r for r in records if int(r['step']) > 500], 'return')
    for form, records in groups.items()
    if 'refused' not in records[0]
  }
  assert returns.keys() == {'full', 'uniform alone', 'few candidates'}
  assert returns['full'] > returns['few candidates'] + 0.05
  assert returns['full'] > returns['uniform alone']


def test_predictors_help_with_one_optimum_and_with_two(tmp_path: pathlib.Path) -> None:
  groups = group(
    quickly('predictors', tmp_path), lambda r: (r['problem'], r['predictors'])
  )
  for problem in ('box:20', 'box:20:mirrored'):
    alone = mean(groups[problem, 'none'], 'regret')
    assert mean(groups[problem, 'all'], 'regret') < 0.75 * alone


def test_cardinality_a_billion_actions_cost_little_more_than_ten(
  tmp_path: pathlib.Path,
) -> None:
  groups = group(quickly('cardinality', tmp_path), lambda r: r['n'])
  few, many = groups[10], groups[10**9]
  assert mean(many, 'parameters') < 2.0 * mean(few, 'parameters')
  assert 0.0 < mean(many, 'memory_mb') < 2.0 * mean(few, 'memory_mb')
  assert mean(many, 'decision_ms') < 5.0 * mean(few, 'decision_ms')
  # Actions at random fall short of the best by 0.4.
  assert max(mean(few, 'regret'), mean(many, 'regret')) < 0.3


def test_exactness_the_compiled_arg_max_costs_far_less(tmp_path: pathlib.Path) -> None:
  groups = group(quickly('exactness', tmp_path), lambda r: r['form'])
  for cost in ('learner_step_ms', 'decision_ms'):
    assert mean(groups['compiled'], cost) < 0.6 * mean(groups['plain'], cost)
