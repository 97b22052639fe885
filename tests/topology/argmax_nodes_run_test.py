"""Whole runs with nodes that take the arg max of the learner."""

import pathlib

import numpy as np
import pytest
import small_runs

from qmle_acme.runs.records import LEARNER_STEPS, read_metrics

STEPS = 1_000


# The tests of containers and SLURM kill such a node, too.
@pytest.mark.slow
@pytest.mark.parametrize('count', [1, 2])
def test_run_with_nodes_reaches_its_steps_though_one_of_them_dies(
  tmp_path: pathlib.Path, count: int
) -> None:
  config = small_runs.make_config(
    tmp_path / 'run',
    layout='distributed',
    actors=1,
    steps=STEPS,
    argmax_nodes=count,
    evaluation_period=STEPS,
  )
  training = small_runs.Training(config)
  training.wait_until(
    lambda: any(
      r['argmax_by_nodes'] for r in read_metrics(training.folder.metrics, 'learner')
    )
  )
  training.node('argmax').kill()

  assert training.wait() == 0, training.output() + training.log('learner-0')

  status = training.status()
  assert (status['state'], status['error']) == ('finished', None)
  assert status['actor_steps'] >= STEPS
  due = (STEPS - 100) * small_runs.QMLE.samples_per_insert / small_runs.QMLE.batch_size
  assert status[LEARNER_STEPS] >= 0.9 * due
  assert training.folder.count_restarts() == 1
  assert 'killed by SIGKILL' in training.output()
  shares = [
    record['argmax_by_nodes']
    for record in read_metrics(training.folder.metrics, 'learner')
  ]
  assert 0.0 < np.max(shares) <= 1.0
  assert not small_runs.are_alive(training.nodes)
