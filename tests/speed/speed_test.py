"""`qmle speed` in its smallest form, by the real command; ratios, never times."""

import json
import os
import pathlib
import signal
import subprocess
import time
from typing import Any

import psutil
import pytest
import small_runs

SPREAD = {'median', 'min', 'max'}
COST = {'cpu_ms': SPREAD, 'wall_ms': SPREAD}
TASK = ['--tasks', 'bandit:bimodal']


def has_spreads(cost: dict[str, Any]) -> bool:
  """Returns whether it holds a whole cost, each of its numbers in order."""
  return all(
    cost[name].keys() == names
    and 0 <= cost[name]['min'] <= cost[name]['median'] <= cost[name]['max']
    for name, names in COST.items()
  )


def measure(out: pathlib.Path, *arguments: str) -> dict[str, Any]:
  """Returns what the command has written."""
  result = small_runs.run_qmle('speed', '--out', str(out), *arguments)
  assert result.returncode == 0, result.stderr
  assert result.stderr == ''
  assert result.stdout.endswith(f'wrote {out}\n')
  return json.loads(out.read_text())


@pytest.fixture(scope='module')
def scoring(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
  """What is written of scoring."""
  out = tmp_path_factory.mktemp('speed') / 'scoring.json'
  return measure(out, '--sections', 'scoring', '--repetitions', '9')['scoring']


def find(scoring: dict[str, Any], shape: str, size: int) -> dict[str, Any]:
  """Returns the record of a shape and an action size."""
  (record,) = (
    r for r in scoring['scoring'] if (r['shape'], r['action_size']) == (shape, size)
  )
  return record


@pytest.mark.slow
def test_records_of_scoring_agree_with_each_other(scoring: dict[str, Any]) -> None:
  limits = {limit['shape']: limit for limit in scoring['limits']}
  assert [limit['rows'] for limit in limits.values()] == [1_000, 256 * 101]
  assert len(scoring['scoring']) == 8
  for record in scoring['scoring']:
    rows = record['states'] * record['candidates']
    assert rows == limits[record['shape']]['rows']
    size = record['action_size']
    flops = 2 * (size * 128 + 128 * 256 + 256 * 256)
    assert record['flops_per_candidate'] == flops
    for form in (record['compiled'], record['plain']):
      seconds = form['cpu_ms']['median'] / 1e3
      assert has_spreads(form)
      assert form['candidates_per_second'] == pytest.approx(rows / seconds, rel=1e-3)
      assert form['gflops'] == pytest.approx(rows * flops / seconds / 1e9, rel=1e-3)
      for dtype, share in form['share_of_limit'].items():
        limit = limits[record['shape']][dtype]['gflops']
        assert share == pytest.approx(form['gflops'] / limit, rel=1e-3)
    assert has_spreads(record['argmax'])


@pytest.mark.slow
def test_compiled_scoring_is_faster_than_the_plain_form(
  scoring: dict[str, Any],
) -> None:
  assert find(scoring, 'target', 6)['plain_by_compiled'] >= 1.5
  assert find(scoring, 'acting', 6)['plain_by_compiled'] >= 1.5


@pytest.mark.slow
@pytest.mark.parametrize(
  # The products grow by 4 %; drawing the candidates grows with the action. Of one
  # dimension half of the candidates are equal and cost nothing: no measure of this.
  ('form', 'bound'),
  [('compiled', 1.4), ('argmax', 1.5)],
)
def test_cost_of_a_decision_hardly_grows_with_the_actions(
  scoring: dict[str, Any], form: str, bound: float
) -> None:
  few, many = (
    find(scoring, 'acting', size)[form]['cpu_ms']['median'] for size in (6, 38)
  )
  assert many <= bound * few


@pytest.mark.slow
def test_parts_of_steps_have_their_schema(tmp_path: pathlib.Path) -> None:
  sections = ['learner', 'actor']
  small = ['--repetitions', '2']
  data = measure(tmp_path / 'x.json', *TASK, '--sections', *sections, *small)

  assert list(data) == ['settings', 'machine', *sections]
  assert data['settings']['repetitions'] == 2
  machine = data['machine']
  assert machine['cpu'] and machine['cores'] >= machine['usable_cores'] >= 1
  assert len(machine['load_average_before']) == 3
  assert machine['versions']['qmle_acme'] == '0.1.0'
  (learner,), (actor,) = data['learner'], data['actor']
  parts = 'whole step', 'with 1 arg max nodes', 'with 2 arg max nodes', 'gradient step'
  assert {*parts, 'sampling', 'target arg max'} < set(learner['parts'])
  assert set(actor['parts']) == {
    'decision',
    'environment',
    'environment, unchecked',
    'adder',
    'variables',
    'whole step',
  }
  for record in (learner, actor):
    assert record['task'] == 'bandit:bimodal'
    assert all(has_spreads(cost) for cost in record['parts'].values())
  whole, part = (learner['parts'][n] for n in ('whole step', 'target arg max'))
  assert part['cpu_ms']['median'] < whole['cpu_ms']['median']


@pytest.mark.slow
def test_memory_of_replay_has_its_schema(tmp_path: pathlib.Path) -> None:
  small = ['--rows', '1000']
  data = measure(tmp_path / 'x.json', *TASK, '--sections', 'replay', *small)['replay']
  assert data['data_bytes_per_row'] == 4 * (1 + 2 + 1 + 1 + 1)
  assert data['rows'] == pytest.approx(1_000, abs=64)
  assert data['bytes_per_row_of_pieces'].keys() == SPREAD


@pytest.mark.slow
def test_traffic_is_of_rows_and_of_all_variables(tmp_path: pathlib.Path) -> None:
  small = ['--repetitions', '2']
  data = measure(tmp_path / 'x.json', *TASK, '--sections', 'traffic', *small)
  (record,) = data['traffic']
  # A row of six numbers; chunks and keys of Reverb come on top.
  assert 4 * (1 + 2 + 1 + 1 + 1) < record['bytes_per_row'] < 2_000
  assert record['bytes_per_fetch'] > 4 * 256 * 256  # The largest of the layers.
  assert record['learner_ms_per_fetch'] > 0 < record['publisher_ms_per_fetch']


@pytest.mark.slow
@pytest.mark.parametrize(
  ('layout', 'nodes'),
  [
    (
      'distributed',
      [
        *('actor-0', 'counter-0', 'evaluator-0', 'learner-0'),
        *('main', 'nursery', 'replay-0'),
      ],
    ),
    ('local', ['main']),
  ],
)
def test_whole_runs_have_their_schema(
  tmp_path: pathlib.Path, layout: str, nodes: list[str]
) -> None:
  small = ['--seconds', '1', '--actors', '1', '--layouts', layout]
  data = measure(tmp_path / 'x.json', *TASK, '--sections', 'runs', *small)
  (run,) = data['runs']
  assert (run['layout'], run.get('actors')) == (layout, 1 if len(nodes) > 1 else None)
  assert list(run['nodes']) == nodes
  steps = run['to_step'] - run['from_step']
  assert run['steps_per_second'] == pytest.approx(steps / run['seconds'], rel=1e-3)
  assert run['from_step'] > 1_000  # Learning is under way.
  assert run['learner_steps_per_second'] > 0
  total = sum(node['cpu_ms_per_step'] for node in run['nodes'].values())
  assert total == pytest.approx(run['cpu_ms_per_step'], rel=1e-2)
  assert all(node['resident_mb'] > 100 for node in run['nodes'].values())


@pytest.mark.slow
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing_behind(
  tmp_path: pathlib.Path, number: signal.Signals
) -> None:
  out = tmp_path / 'x.json'
  command = small_runs.qmle('speed', *TASK, '--sections', 'runs', '--out', str(out))
  # Only the run has a file there; so the folder tells when it is under way.
  temporary = tmp_path / 'temporary'
  temporary.mkdir()
  environment = {**os.environ, 'TMPDIR': str(temporary)}
  with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as process:
    deadline = time.monotonic() + small_runs.PATIENCE_SECONDS
    started: list[psutil.Process] = []
    # Nodes start one after another.
    while len(started) < 4 or not list(temporary.glob('*/run/logs/learner-0.log')):
      assert process.poll() is None and time.monotonic() < deadline
      time.sleep(0.1)
      started = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(number)
    assert process.wait(small_runs.PATIENCE_SECONDS) == 128 + number
  assert not small_runs.are_alive(started)
  assert list(temporary.iterdir()) == []
