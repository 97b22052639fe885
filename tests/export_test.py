"""An exported policy acts as the run does, in a process that knows nothing of us."""

import dataclasses
import json
import os
import pathlib
import subprocess
import sys

import numpy as np
import policy_test
import pytest
import small_runs
import tensorflow as tf
import tree

from qmle_acme import export as export_lib
from qmle_acme import training
from qmle_acme.errors import UserError
from qmle_acme.launch import export
from qmle_acme.policy import Policy, load_policy

# Neither this package nor those that it stands on can be imported.
FRESH = """
import json, sys
for name in ('qmle_acme', 'sonnet', 'acme', 'reverb', 'tensorflow_probability'):
  sys.modules[name] = None
import tensorflow as tf
policy = tf.saved_model.load(sys.argv[1])
observations = tf.constant(json.loads(sys.argv[2]), tf.float32)
action = policy.seeded(observations, tf.constant([3, 4]))
drawn = policy(observations)
tf.nest.assert_same_structure(action, drawn)
leaves = {leaf.dtype.name: leaf.numpy().tolist() for leaf in tf.nest.flatten(action)}
outputs = policy.signatures['serving_default'].structured_outputs
print(json.dumps([leaves, sorted(outputs)]))
"""


def in_a_fresh_process(folder: pathlib.Path, observations: np.ndarray) -> list:
  """Returns what the model makes of observations [B, O], and its outputs' names."""
  environment = {k: v for k, v in os.environ.items() if k != 'LD_PRELOAD'}
  done = subprocess.run(
    [sys.executable, '-c', FRESH, str(folder), json.dumps(observations.tolist())],
    capture_output=True,
    text=True,
    cwd=folder,
    env=environment,
  )
  assert done.returncode == 0, done.stderr
  return json.loads(done.stdout.splitlines()[-1])


def test_outputs_of_like_names_are_kept_apart() -> None:
  paths = [('a_b',), ('a', 'b'), ('a', 'b_'), (0,), ('0',)]
  assert export_lib.output_names(paths) == [
    'action_a_b', 'action_a_b_', 'action_a_b__', 'action_0', 'action_0_'
  ]  # fmt: skip


def test_box(trained_run: pathlib.Path, tmp_path: pathlib.Path) -> None:
  out = tmp_path / 'policies' / 'cartpole'
  assert export.main([str(trained_run), '--best', '--out', str(out)]) == 0
  assert [path.name for path in out.parent.iterdir()] == ['cartpole']

  observations = np.random.default_rng(1).normal(size=(3, 5))
  (leaves, outputs) = in_a_fresh_process(out, observations)

  assert outputs == ['action']
  policy = load_policy(trained_run, best=True)
  seed = tf.constant([3, 4])
  ours = [policy.greedy(each[None], seed)[0] for each in observations]
  np.testing.assert_allclose(leaves['float64'], ours, atol=1e-5)


@pytest.mark.slow
def test_nest_in_gymnasiums_own_form(tmp_path: pathlib.Path) -> None:
  config = small_runs.make_config(tmp_path / 'run', env=policy_test.HYBRID, steps=20)
  assert training.run(config).state == 'finished'
  policy = load_policy(config.run)
  export_lib.export(policy, tmp_path / 'out')

  observations = np.random.default_rng(1).normal(size=(4, policy.observation_size))
  (leaves, outputs) = in_a_fresh_process(tmp_path / 'out', observations)

  assert outputs == ['action_push', 'action_tool']
  ours = [policy.greedy(each[None], tf.constant([3, 4]))[0] for each in observations]
  assert leaves['int64'] == [int(action['tool']) for action in ours]
  assert set(leaves['int64']) <= {5, 6, 7}
  pushes = [action['push'] for action in ours]
  np.testing.assert_allclose(leaves['float32'], pushes, atol=1e-5)


def test_what_acts_otherwise_is_not_kept(
  trained_run: pathlib.Path, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  greedy = Policy.greedy
  monkeypatch.setattr(
    Policy,
    'greedy',
    lambda *arguments: tree.map_structure(lambda x: 0.5 * x, greedy(*arguments)),
  )
  with pytest.raises(UserError, match='of 64 random states only'):
    export_lib.export(load_policy(trained_run), tmp_path / 'out')
  assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(
  trained_run: pathlib.Path, tmp_path: pathlib.Path
) -> None:
  with pytest.raises(UserError, match='is there already'):
    export_lib.export(load_policy(trained_run), tmp_path)


@pytest.mark.slow
def test_another_of_nearly_equal_candidates_will_do(tmp_path: pathlib.Path) -> None:
  # On a line 1,000 candidates lie so close that the kernel may take another one.
  qmle = dataclasses.replace(
    small_runs.QMLE, m_greedy=1_000, hidden_size=64, samples_per_insert=32.0
  )
  config = small_runs.make_config(
    tmp_path / 'run',
    env='synthetic:box:1',
    steps=300,
    qmle=qmle,
  )
  assert training.run(config).state == 'finished'
  policy = load_policy(config.run)
  export_lib.export(policy, tmp_path / 'out')

  model = tf.saved_model.load(str(tmp_path / 'out'))
  draw = np.random.default_rng(1)
  size = (100, policy.observation_size)
  observations = draw.standard_normal(size).astype(np.float32)
  seed = tf.constant([3, 4])
  theirs = model.seeded(tf.constant(observations), seed).numpy()
  ours = np.concatenate([policy.greedy(each[None], seed) for each in observations])
  is_same = np.isclose(ours, theirs, atol=1e-4).all(axis=1)
  assert is_same.mean() < export_lib._LEAST_ALIKE  # Or this tests nothing.
  gaps = []
  for observation, *both in zip(observations, ours, theirs, strict=True):
    values = policy.candidates(observation).values
    gaps.append(np.ptp(policy.q(observation, np.stack(both))) / np.ptp(values))
  assert np.quantile(gaps, 0.9) <= 0.01
