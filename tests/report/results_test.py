"""Results: from run folders to two tables, to CSV and back."""

import json
import pathlib

import fabricated
import numpy as np
import pandas as pd
import pytest

from qmle_acme.errors import UserError
from qmle_acme.report import results as results_lib
from qmle_acme.report.comparison import Comparison

WALK = 'control:walker:walk'


def test_reads_a_run(tmp_path: pathlib.Path) -> None:
  returns = [[0.0, 2.0], [10.0, 20.0], [30.0, 30.0]]
  fabricated.write_run(
    tmp_path / 'a', WALK, 'qmle', seed=2, returns=returns, cpu_seconds=12.5
  )

  runs, evaluations = results_lib.read(tmp_path)

  (run,) = runs.to_dict('records')
  assert (run['run'], run['task'], run['agent'], run['seed']) == ('a', WALK, 'qmle', 2)
  assert (run['steps'], run['actor_steps'], run['learner_steps']) == (200, 203, 20)
  assert (run['state'], run['error'], run['cpu_seconds']) == ('finished', '', 12.5)
  assert run['wall_seconds'] == 12.0
  assert run['command'] == f'qmle train --env {WALK} --agent qmle'
  assert (run['hardware'], run['revision']) == ('A processor, 2 cores', 'abc123')
  assert json.loads(run['settings'])['qmle']['m_target'] == 100
  assert list(evaluations['step']) == [0, 100, 200]
  assert list(evaluations['actor_steps']) == [0, 103, 203]
  assert list(evaluations['episode_return_mean']) == [1.0, 15.0, 30.0]
  assert list(evaluations['episode_return_deviation']) == [1.0, 5.0, 0.0]
  np.testing.assert_allclose(evaluations['cache_hit_rate'], [np.nan, 1 / 3, 2 / 3])
  np.testing.assert_allclose(evaluations['winner/uniform'], [np.nan, 0.5, 0.4])


def test_metrics_are_means_since_the_evaluation_before(tmp_path: pathlib.Path) -> None:
  folder = fabricated.write_run(tmp_path / 'a', WALK, 'qmle', 1, [[0.0], [1.0]])
  lines = [
    {'source': 'learner', 'actor_steps': steps, 'winner/uniform': share}
    for steps, share in ((50, 0.2), (103, 0.4), (104, 0.9))
  ]
  lines.append({'source': 'actor', 'actor_steps': 60, 'episode_return': 5.0})
  folder.metrics.write_text(''.join(json.dumps(line) + '\n' for line in lines))

  evaluations = results_lib.read(tmp_path).evaluations

  assert evaluations['winner/uniform'].iloc[1] == pytest.approx(0.3)


@pytest.mark.parametrize(
  ('actor_steps', 'due'), [(0, 0), (103, 100), (399, 300), (420, 420), (433, 420)]
)
def test_step_at_which_an_evaluation_was_due(actor_steps: int, due: int) -> None:
  assert results_lib.due_step(actor_steps, total=420, period=100) == due


def test_csv_gives_the_same_results(tmp_path: pathlib.Path) -> None:
  tasks = [WALK, 'bandit:bimodal']
  fabricated.write_results(tmp_path / 'runs', tasks, ['qmle', 'd4pg'], 1, points=3)
  results = results_lib.read(tmp_path / 'runs')

  results_lib.write(results, tmp_path / 'data')
  again = results_lib.read(tmp_path / 'data')

  pd.testing.assert_frame_equal(again.runs, results.runs)
  pd.testing.assert_frame_equal(
    again.evaluations, results.evaluations, rtol=1e-5, check_dtype=False
  )


def test_folder_without_results(tmp_path: pathlib.Path) -> None:
  with pytest.raises(UserError, match='nowhere is no folder: give the --out of a'):
    results_lib.read(tmp_path / 'nowhere')
  with pytest.raises(UserError, match=r'holds no run folder and no runs\.csv'):
    results_lib.read(tmp_path)


def test_csv_that_lacks_columns(tmp_path: pathlib.Path) -> None:
  for name in (results_lib.RUNS_FILE, results_lib.EVALUATIONS_FILE):
    (tmp_path / name).write_text('run,task\na,b\n')

  with pytest.raises(UserError, match=r'runs.csv lacks the columns agent, seed'):
    results_lib.read(tmp_path)


@pytest.mark.parametrize(
  'text', ['a line', '[1, 2', 'model: {agent: qmle}', f'{{env: {WALK}, agent: qmle}}']
)
def test_settings_of_others_are_no_run(tmp_path: pathlib.Path, text: str) -> None:
  fabricated.write_run(tmp_path / 'a', WALK, 'qmle', 1, [[0.0], [1.0]])
  (tmp_path / 'other').mkdir()
  (tmp_path / 'other' / 'config.yaml').write_text(text)

  assert list(results_lib.read(tmp_path).runs['run']) == ['a']


def test_run_whose_settings_are_damaged_is_named_and_left_out(
  tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
  folder = fabricated.write_run(tmp_path / 'a', WALK, 'qmle', 1, [[0.0], [1.0]])
  folder.config.write_text(folder.config.read_text().replace('agent: ', 'agend: '))

  with pytest.raises(UserError, match=f'{folder.config} holds .*: its agent is None'):
    results_lib.read(tmp_path)
  fabricated.write_run(tmp_path / 'b', WALK, 'qmle', 2, [[0.0], [1.0]])
  assert list(results_lib.read(tmp_path).runs['run']) == ['b']
  said = capsys.readouterr().err
  assert said.startswith(f'left out: {folder.config} holds ') and said.count('\n') == 1


@pytest.mark.parametrize(
  ('name', 'text'),
  [
    ('status.json', '{'),
    ('status.json', '[]'),
    ('status.json', '{"actor_steps": null}'),
    ('evaluations.jsonl', '{"actor_steps": NaN}\n'),
    ('metrics.jsonl', '{"source": \n'),
    ('evaluations.jsonl', 'nothing\n'),
    ('starts.jsonl', '3\n'),
    ('metrics.jsonl', '{"source": "learner"}\n'),
    ('evaluations.jsonl', '{"actor_steps": 100}\n'),
    ('starts.jsonl', '{"command": ["qmle"]}\n'),
  ],
)
def test_run_that_is_damaged_leaves_the_others(
  tmp_path: pathlib.Path, name: str, text: str
) -> None:
  for run in ('a', 'b'):
    fabricated.write_run(tmp_path / 'runs' / run, WALK, 'qmle', 1, [[0.0], [1.0]])
  file = tmp_path / 'runs' / 'a' / name
  file.write_text(text)

  results = results_lib.read(tmp_path / 'runs')

  assert set(results.evaluations['run']) == {'b'}
  damaged = results.runs.to_dict('records')[0]
  assert (damaged['run'], damaged['state'], damaged['steps']) == (
    'a',
    'unreadable',
    100,
  )
  assert damaged['error'].startswith(f'cannot read {file}')
  notes = '\n'.join(Comparison(results).notes())
  steps = 0 if name == 'status.json' else 103  # What was read before it is told.
  where = f'at {steps} of 100 steps: it is left out'
  assert f'seed 1, is unreadable ({damaged["error"]}), {where}' in notes
  results_lib.write(results, tmp_path / 'data')
  again = results_lib.read(tmp_path / 'data')
  pd.testing.assert_frame_equal(again.runs, results.runs)


@pytest.mark.parametrize('column', ['settings', 'versions'])
def test_csv_with_damaged_text(tmp_path: pathlib.Path, column: str) -> None:
  fabricated.write_run(tmp_path / 'runs' / 'a', WALK, 'qmle', 1, [[0.0], [1.0]])
  results = results_lib.read(tmp_path / 'runs')
  results.runs[column] = '{"qmle"'
  results_lib.write(results, tmp_path)

  with pytest.raises(UserError, match=f'^cannot read .*runs.csv, {column} of a: '):
    results_lib.read(tmp_path)
