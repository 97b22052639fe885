"""What may be compared, and what is said to be missing."""

import json
import pathlib
from typing import Any

import fabricated
import numpy as np
import pytest

from qmle_acme.report import results as results_lib
from qmle_acme.report import tables
from qmle_acme.report.comparison import Comparison

WALK, SPIN = 'control:walker:walk', 'control:finger:spin'


def write(path: pathlib.Path, *runs: tuple[str, str, int, list], **more: Any) -> None:
  for index, (task, agent, seed, returns) in enumerate(runs):
    fabricated.write_run(path / str(index), task, agent, seed, returns, **more)


@pytest.fixture
def comparison(tmp_path: pathlib.Path) -> Comparison:
  """Two agents on two tasks; on one of them a run has not come to the end."""
  write(
    tmp_path / 'done',
    (WALK, 'd4pg', 1, [[0.0], [100.0], [200.0]]),
    (WALK, 'qmle', 1, [[0.0], [300.0], [500.0]]),
    (WALK, 'qmle', 2, [[0.0], [100.0], [700.0]]),
    (SPIN, 'qmle', 1, [[0.0], [400.0], [800.0]]),
  )
  write(
    tmp_path / 'open',
    (SPIN, 'd4pg', 1, [[0.0], [50.0]]),
    steps=200,
    state='failed',
  )
  return Comparison(results_lib.read(tmp_path))


def test_order(comparison: Comparison) -> None:
  assert comparison.agents == ['qmle', 'd4pg']
  assert comparison.tasks == [SPIN, WALK]  # Two dimensions, six dimensions.


def test_final_returns_are_those_of_complete_runs(comparison: Comparison) -> None:
  assert list(comparison.final_returns(WALK, 'qmle')) == [500.0, 700.0]
  assert list(comparison.final_returns(SPIN, 'd4pg')) == []


def test_scores_are_of_common_tasks(comparison: Comparison) -> None:
  assert comparison.common_tasks() == [WALK]
  np.testing.assert_allclose(comparison.scores('qmle'), [[0.5], [0.7]])
  np.testing.assert_allclose(comparison.score_steps(), [0, 100, 200])
  np.testing.assert_allclose(
    comparison.score_curves('qmle'), [[[0.0, 0.3, 0.5]], [[0.0, 0.1, 0.7]]]
  )


def test_what_is_missing_is_said(comparison: Comparison) -> None:
  notes = '\n'.join(comparison.notes())

  assert f'd4pg on {WALK} lacks seed 2, which others have.' in notes
  assert f'd4pg on {SPIN}, seed 1, has failed (it broke), at 103 of 200' in notes
  assert f'leave out {SPIN}' in notes
  assert 'differ' not in notes


def test_tables(comparison: Comparison) -> None:
  finals = tables.final_returns(comparison)
  costs = tables.costs(comparison)

  assert finals.columns == ['task', 'steps', 'qmle', 'd4pg']
  # Half of the interval: 12.7062 x 100.
  assert finals.rows == [
    ['finger:spin (2-D)', '200', '800 (1)', '(50 at 100)'],
    ['walker:walk (6-D)', '200', '600 ± 1271 (2)', '200 (1)'],
  ]
  assert [row[:3] for row in costs.rows] == [
    ['finger:spin (2-D)', 'qmle', '1'],
    ['walker:walk (6-D)', 'qmle', '2'],
    ['walker:walk (6-D)', 'd4pg', '1'],
  ]
  # 90 s for 203 steps.
  assert costs.rows[0][3:] == ['203', '20', '0.1', '1.5', '443.3']


def test_runs_of_different_lengths_meet_at_the_shorter(tmp_path: pathlib.Path) -> None:
  write(
    tmp_path,
    (WALK, 'qmle', 1, [[0.0], [100.0]]),
    (WALK, 'd4pg', 1, [[0.0], [200.0], [900.0]]),
  )

  comparison = Comparison(results_lib.read(tmp_path))

  assert comparison.horizons == {WALK: 100}
  assert list(comparison.final_returns(WALK, 'd4pg')) == [200.0]
  assert 'The runs differ in steps: 100 -> 200.' in comparison.notes()


def test_runs_of_other_periods_meet_where_all_were_evaluated(
  tmp_path: pathlib.Path,
) -> None:
  write(
    tmp_path / 'short',
    (WALK, 'd4pg', 1, [[0.0], [20.0], [40.0], [50.0]]),
    period=20,
    steps=50,
  )
  write(
    tmp_path / 'long',
    (WALK, 'qmle', 1, [[0.0], [200.0], [400.0], [600.0], [800.0], [1000.0]]),
    period=20,
  )

  comparison = Comparison(results_lib.read(tmp_path))

  steps = comparison.results.evaluations.groupby('agent')['step'].agg(list)
  assert steps['d4pg'] == [0, 20, 40, 50]
  assert comparison.horizons == {WALK: 40}
  assert list(comparison.finals['step']) == [40, 40]
  assert list(comparison.final_returns(WALK, 'd4pg')) == [40.0]
  assert list(comparison.final_returns(WALK, 'qmle')) == [400.0]
  assert 'The runs differ in steps: 100 -> 50.' in comparison.notes()


def test_run_that_was_never_evaluated_where_another_was_is_not_complete(
  tmp_path: pathlib.Path,
) -> None:
  write(tmp_path / 'a', (WALK, 'd4pg', 1, [[0.0], [50.0]]), period=50)
  write(tmp_path / 'b', (WALK, 'qmle', 1, [[0.0], [40.0], [80.0]]), period=40)

  comparison = Comparison(results_lib.read(tmp_path))

  assert comparison.horizons == {WALK: 50}
  assert list(comparison.final_returns(WALK, 'd4pg')) == [50.0]
  assert list(comparison.final_returns(WALK, 'qmle')) == []
  note = (
    f'qmle on {WALK}, seed 1, has ended without an evaluation at step 50, at 83 of '
  )
  assert f'{note}80 steps: it is in the curves only.' in comparison.notes()


def test_unequal_settings_of_an_agent_are_said(tmp_path: pathlib.Path) -> None:
  write(tmp_path, *((WALK, 'qmle', seed, [[0.0], [1.0]]) for seed in (1, 2)))
  results = results_lib.read(tmp_path)
  settings = json.loads(results.runs['settings'][1])
  settings['qmle']['m_target'] = 7
  results.runs.loc[1, 'settings'] = json.dumps(settings)

  notes = Comparison(results).notes()

  assert notes == ['The runs of qmle differ in qmle.m_target: 100 -> 7.']


def test_who_acts_by_the_relaxed_form_is_said(tmp_path: pathlib.Path) -> None:
  for agent, seed, env in (
    ('qmle', 1, WALK),
    ('qmle', 2, f'relaxed:{WALK}'),
    ('d4pg', 1, f'relaxed:{WALK}'),
    ('d4pg', 2, f'relaxed:{WALK}'),
    ('dmpo', 1, WALK),
    ('dmpo', 2, WALK),
  ):
    folder = tmp_path / f'{agent}{seed}'
    fabricated.write_run(folder, env, agent, seed, [[0.0], [1.0]])

  comparison = Comparison(results_lib.read(tmp_path))

  assert comparison.tasks == [WALK]
  assert comparison.notes() == [
    f'd4pg acts on relaxed:{WALK}.',
    f'qmle acts on relaxed:{WALK} in 1 of 2 runs.',
  ]


def test_runs_of_another_commit_are_named(tmp_path: pathlib.Path) -> None:
  write(tmp_path, *((WALK, 'qmle', seed, [[0.0], [1.0]]) for seed in (1, 2, 3)))
  results = results_lib.read(tmp_path)
  results.runs['revision'] = ['a1', 'b2; a1', 'a1']

  notes = Comparison(results).notes()

  assert notes == [
    f'Most runs are of commit a1, but not qmle on {WALK}, seed 2 (b2; a1).'
  ]
  versions = dict(tables.versions(results.runs).rows)
  assert versions['commit of qmle_acme'] == 'a1; b2'


def test_restarts_are_told_where_they_were_counted(tmp_path: pathlib.Path) -> None:
  returns = [[0.0], [1.0]]
  for seed, restarts in ((1, None), (2, 0), (3, 1), (4, 3)):
    folder = tmp_path / 'runs' / f'0{seed}'
    fabricated.write_run(folder, WALK, 'qmle', seed, returns, restarts=restarts)
  results = results_lib.read(tmp_path / 'runs')
  results_lib.write(results, tmp_path / 'data')

  for read in (results, results_lib.read(tmp_path / 'data')):
    assert Comparison(read).notes() == [
      f'qmle on {WALK}, seed 3, was restarted once, in part or as a whole.',
      f'qmle on {WALK}, seed 4, was restarted 3 times, in part or as a whole.',
    ]


def test_data_from_before_restarts_were_counted(tmp_path: pathlib.Path) -> None:
  fabricated.write_run(tmp_path / 'run', WALK, 'qmle', 1, [[0.0], [1.0]])
  runs, evaluations = results_lib.read(tmp_path)
  older = results_lib.Results(runs.drop(columns='restarts'), evaluations)
  results_lib.write(older, tmp_path / 'data')

  (note,) = Comparison(results_lib.read(tmp_path / 'data')).notes()

  assert note.startswith('There is one seed')
