"""The local layout, by the command that a person types."""

import dataclasses
import itertools
import json
import pathlib
import signal

import pytest
import small_runs
from small_runs import column

from qmle_acme.runs.records import read_records

STEPS = 1_000
PERIOD = 250
FIRST = small_runs.QMLE.min_replay_size


@pytest.fixture(scope='module')
def trained(tmp_path_factory: pytest.TempPathFactory) -> small_runs.Training:
  """A finished run; the tests of this module go on with it in their order."""
  run = tmp_path_factory.mktemp('local') / 'run'
  return small_runs.train(
    small_runs.make_config(run, steps=STEPS, evaluation_period=PERIOD)
  )


def test_run_is_finished_and_says_so(trained: small_runs.Training) -> None:
  status = trained.status()
  assert status.pop('cpu_seconds') > 1.0
  assert status == {
    'state': 'finished',
    'actor_steps': STEPS,
    'learner_steps': int((STEPS - FIRST) * 2 / 16),
    'saved_steps': STEPS,
    'restarts': 0,
    'error': None,
  }
  assert trained.stderr.read_text().splitlines() == [
    'making bandit:bimodal ...',
    'loading TensorFlow ...',
  ]
  first, awaited, *lines = trained.stdout.read_text().splitlines()
  assert first.startswith('starting: qmle on ')
  assert awaited.startswith('waiting for networks')
  progress = list(itertools.takewhile(lambda line: line.startswith('steps '), lines))
  assert progress
  last, best_line, *_ = lines[len(progress) :]
  evaluations = read_records(trained.folder.evaluations)
  value = evaluations[-1]['episode_return_mean']
  assert last == (
    f'finished: {STEPS:,} steps saved in {trained.folder.path}; '
    f'greedy return {value:,.6g}, one episode'
  )
  best = max(evaluations, key=lambda record: record['episode_return_mean'])
  assert best_line.startswith(
    f'best {best["episode_return_mean"]:,.6g}, after {best["actor_steps"]:,} steps; '
  )
  assert 'Traceback' not in trained.log()


def test_evaluates_at_every_period(trained: small_runs.Training) -> None:
  evaluations = read_records(trained.folder.evaluations)

  assert column(evaluations, 'actor_steps') == [0, 250, 500, 750, 1_000]
  # Learning keeps its ratio all along, not just at the end.
  assert column(evaluations, 'learner_steps') == [
    max(0, int((steps - FIRST) * 2 / 16)) for steps in range(0, STEPS + 1, PERIOD)
  ]
  seconds = column(evaluations, 'wall_seconds')
  assert seconds == sorted(seconds)


def test_every_episode_is_recorded(trained: small_runs.Training) -> None:
  episodes = [
    record
    for record in read_records(trained.folder.metrics)
    if record['source'] == 'actor'
  ]
  # The last step ends the run before its episode is over.
  assert sum(column(episodes, 'episodes')) == STEPS - 1
  assert len(episodes) < STEPS / 10
  assert set(column(episodes, 'episode_length')) == {1}
  assert all(0.0 <= value <= 1.0 for value in column(episodes, 'episode_return'))


def test_learner_is_recorded_to_its_last_step(trained: small_runs.Training) -> None:
  records = read_records(trained.folder.metrics)
  steps = [r['learner_steps'] for r in records if r['source'] == 'learner']
  assert steps[-1] == trained.status()['learner_steps']


def test_evaluate_prints_nothing_but_json(trained: small_runs.Training) -> None:
  result = small_runs.run_qmle('evaluate', str(trained.config.run), '--json')

  assert result.returncode == 0, result.stderr
  assert len(result.stdout.splitlines()) == 1
  data = json.loads(result.stdout)
  assert (data['actor_steps'], len(data['episode_returns'])) == (STEPS, 10)


def test_more_steps_resume_the_run(trained: small_runs.Training) -> None:
  before = read_records(trained.folder.evaluations)
  steps = STEPS + 500

  again = small_runs.train(dataclasses.replace(trained.config, steps=steps))

  assert again.status()['actor_steps'] == steps
  assert again.status()['learner_steps'] == int((steps - FIRST) * 2 / 16)
  evaluations = read_records(again.folder.evaluations)
  assert evaluations[: len(before)] == before
  assert column(evaluations, 'actor_steps')[len(before) :] == [1_250, 1_500]
  assert evaluations[-1]['wall_seconds'] > before[-1]['wall_seconds']
  first, second, _, third, *_ = again.stdout.read_text().splitlines()
  assert first.startswith(f'resuming from {STEPS:,} steps: qmle on ')
  assert second == f'changed: steps: {STEPS} -> {steps}'
  assert f'replay {STEPS + 1:,}' in third


@pytest.mark.slow
def test_interrupt_saves_and_leaves_by_130(tmp_path: pathlib.Path) -> None:
  config = small_runs.make_config(
    tmp_path / 'run', env='control:cartpole:swingup', steps=10**6
  )
  training = small_runs.Training(config)
  metrics = training.folder.metrics
  training.wait_until(lambda: any(read_records(metrics)))

  training.send(signal.SIGINT)

  assert training.wait() == 130
  status = training.status()
  assert (status['state'], status['error']) == ('stopped', None)
  assert FIRST < status['actor_steps'] < 10**6
  assert status['learner_steps'] == int((status['actor_steps'] - FIRST) * 2 / 16)
  assert 'the same command resumes' in training.stdout.read_text()
  assert training.complaints() == []
