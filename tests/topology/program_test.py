"""Whole runs of the distributed layout, by the real command."""

import dataclasses
import json
import math
import pathlib
from typing import Any

import pytest
import small_runs

from qmle_acme import replay
from qmle_acme.runs.records import read_records

STEPS = 600
PERIOD = 200
EPISODE_LENGTH = 200
# What the actors may take beyond the budget: each reports every 20 steps.
OVERSHOOT = 2 * 20


def make_config(run: pathlib.Path, **settings: Any) -> small_runs.RunConfig:
  defaults: dict[str, Any] = {
    # Of episodes that are long, as most are; every actor comes to the end of one.
    'env': 'gymnasium:Pendulum-v1',
    'layout': 'distributed',
    'steps': STEPS,
    'evaluation_period': PERIOD,
  }
  return small_runs.make_config(run, **(defaults | settings))


@pytest.fixture(scope='module')
def trained(tmp_path_factory: pytest.TempPathFactory) -> small_runs.Training:
  """A finished run of two actor processes."""
  run = tmp_path_factory.mktemp('distributed') / 'run'
  training = small_runs.Training(make_config(run))
  training.wait_until(lambda: len(training.process.children(recursive=True)) == 7)
  assert training.wait() == 0, training.output() + training.log('learner-0')
  return training


def assert_last_is_of_the_checkpoint(training: small_runs.Training) -> None:
  """Asserts that the last evaluation is of the very steps that were saved."""
  last, status = read_records(training.folder.evaluations)[-1], training.status()
  for name in ('actor_steps', 'learner_steps'):
    assert last[name] == status[name]


def test_finishes_with_its_steps_and_nothing_left_over(
  trained: small_runs.Training,
) -> None:
  status = trained.status()
  assert (status['state'], status['error']) == ('finished', None)
  assert STEPS <= status['actor_steps'] <= STEPS + OVERSHOOT
  # The nursery; replay, counter, learner, two actors, evaluator.
  assert len(trained.nodes) == 7
  assert not small_runs.are_alive(trained.nodes)


def test_samples_per_insert_are_held(trained: small_runs.Training) -> None:
  status, qmle = trained.status(), small_runs.QMLE
  inserts = status['actor_steps'] - qmle.min_replay_size
  due = inserts * qmle.samples_per_insert / qmle.batch_size
  # What writers hold back, then what is drawn, in learner steps.
  rows = trained.config.actors * replay.MAX_IN_FLIGHT
  written = rows * qmle.samples_per_insert / qmle.batch_size
  drawn = 1 + replay.SAMPLES_IN_FLIGHT / qmle.batch_size
  lag = due - status['learner_steps']
  assert abs(lag) <= written + drawn + 1


def test_evaluations_have_their_schema_and_the_last_is_of_the_end(
  trained: small_runs.Training,
) -> None:
  records = read_records(trained.folder.evaluations)
  for record in records:
    assert list(record) == [
      'actor_steps',
      'learner_steps',
      'wall_seconds',
      'episode_return_mean',
      'episode_returns',
      'q_start_mean',
      'discounted_return_mean',
    ]
    assert len(record['episode_returns']) == 1
  steps = small_runs.column(records, 'actor_steps')
  assert steps == sorted(set(steps))
  assert_last_is_of_the_checkpoint(trained)


def test_episodes_are_recorded_with_what_q_promised(
  trained: small_runs.Training,
) -> None:
  records = read_records(trained.folder.metrics)
  episodes = [record for record in records if record['source'] == 'actor']
  assert episodes
  for record in episodes:
    assert record['episode_length'] == EPISODE_LENGTH
    assert record['episode_return'] <= record['discounted_return'] < 0.0
    assert math.isfinite(record['q_start'])


def test_learner_is_recorded_to_its_last_step(trained: small_runs.Training) -> None:
  records = read_records(trained.folder.metrics)
  steps = [r['learner_steps'] for r in records if r['source'] == 'learner']
  assert steps[-1] == trained.status()['learner_steps']


def test_screen_shows_progress_and_no_chatter(trained: small_runs.Training) -> None:
  assert trained.complaints() == []
  lines = trained.stdout.read_text().splitlines()
  assert lines[-5].startswith('finished: ')
  assert lines[0].startswith('starting: qmle on ')
  awaited = [line for line in lines if line.startswith('waiting for ')]
  # Where the learner is up at the next look, the line that waits for it never shows.
  assert 'the nodes' in awaited[0]
  assert lines[1 : len(awaited) + 1] == awaited
  assert all(line.startswith('steps ') for line in lines[len(awaited) + 1 : -5])
  assert 'Started replay server' in trained.log('replay-0')


def test_more_steps_go_on_where_the_run_stopped(trained: small_runs.Training) -> None:
  before = trained.status()
  config = dataclasses.replace(trained.config, steps=STEPS + 300)
  more = small_runs.train(config)
  after = more.status()
  assert after['state'] == 'finished'
  assert STEPS + 300 <= after['actor_steps'] <= STEPS + 300 + OVERSHOOT
  assert after['learner_steps'] > before['learner_steps']
  assert_last_is_of_the_checkpoint(more)
  steps = small_runs.column(read_records(more.folder.evaluations), 'actor_steps')
  assert steps == sorted(set(steps))


@pytest.mark.slow
def test_threads_do_the_same(tmp_path: pathlib.Path) -> None:
  training = small_runs.train(make_config(tmp_path / 'run', launch='threads'))
  status = training.status()
  assert status['state'] == 'finished'
  assert STEPS <= status['actor_steps'] <= STEPS + OVERSHOOT
  assert_last_is_of_the_checkpoint(training)


def test_greedy_return_of_the_newest_checkpoint(trained: small_runs.Training) -> None:
  result = small_runs.run_qmle(
    'evaluate', str(trained.config.run), '--episodes', '3', '--json'
  )
  assert result.returncode == 0, result.stderr
  evaluation = json.loads(result.stdout)
  assert evaluation['actor_steps'] == trained.status()['actor_steps']
  returns = evaluation['episode_returns']
  assert len(returns) == 3
  assert evaluation['episode_return_mean'] == pytest.approx(sum(returns) / 3)
