"""Policies of runs: forms of observations and actions, values, what is considered."""

import pathlib
import re
import subprocess
import sys
import time
from typing import Any

import gymnasium
import numpy as np
import pytest
import small_runs
from dm_control import suite
from gymnasium import spaces

import qmle_acme
from qmle_acme import training
from qmle_acme.errors import UserError

HYBRID = 'gymnasium:policy_test:Hybrid-v0'


class Hybrid(gymnasium.Env):
  """Observations: a place and a mode; actions: a tool from 5 to 7, and a push [2]."""

  observation_space = spaces.Dict(
    {'place': spaces.Box(-1, 1, (2, 1)), 'mode': spaces.Discrete(3)}
  )
  action_space = spaces.Dict(
    {'tool': spaces.Discrete(3, start=5), 'push': spaces.Box(-2, 2, (2,))}
  )

  def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
    super().reset(seed=seed)
    return {'place': np.zeros((2, 1), np.float32), 'mode': 1}, {}

  def step(self, action: Any) -> Any:
    assert self.action_space.contains(action)
    place = np.zeros((2, 1), np.float32)
    return {'place': place, 'mode': 2}, 1.0, True, False, {}


gymnasium.register('Hybrid-v0', f'{__name__}:Hybrid')


@pytest.fixture(scope='module')
def policy(trained_run: pathlib.Path) -> qmle_acme.Policy:
  return qmle_acme.load_policy(str(trained_run))


@pytest.fixture(scope='module')
def hybrid(tmp_path_factory: pytest.TempPathFactory) -> qmle_acme.Policy:
  run = tmp_path_factory.mktemp('hybrid') / 'run'
  config = small_runs.make_config(run, env=HYBRID, steps=120)
  assert training.run(config).state == 'finished'
  return qmle_acme.load_policy(run)


def test_takes_the_suites_own_form_and_vectors_of_any_float(
  policy: qmle_acme.Policy, trained_run: pathlib.Path
) -> None:
  assert (policy.step, policy.learner_step) == (50, 0)
  own = suite.load('cartpole', 'swingup', task_kwargs={'random': 0})
  observation = own.reset().observation
  vector = np.concatenate([np.ravel(part) for part in observation.values()])

  actions = [
    qmle_acme.load_policy(trained_run)(form)
    for form in (observation, vector, vector.astype(np.float16), vector[None].tolist())
  ]

  own.step(actions[0])
  spec = own.action_spec()
  assert actions[0].shape == spec.shape and actions[0].dtype == spec.dtype
  np.testing.assert_array_equal(actions[1], actions[0])
  np.testing.assert_allclose(actions[2], actions[0], atol=0.05)
  np.testing.assert_array_equal(actions[3], actions[0][None])


def test_batch_is_acted_on_state_by_state(policy: qmle_acme.Policy) -> None:
  vectors = np.linspace(-1, 1, 4 * 5).reshape(4, 5)
  actions = policy(vectors)
  assert actions.shape == (4, 1)
  best = [policy.q(v, a) for v, a in zip(vectors, actions, strict=True)]
  for vector, value in zip(vectors, best, strict=True):
    # Ten candidates are few: their best is better than nearly all others.
    assert value >= np.quantile(policy.candidates(vector, 200).values, 0.4)


def test_candidates_are_ordered_and_scored_as_q_has_it(
  policy: qmle_acme.Policy,
) -> None:
  vector = np.ones(5)
  considered = policy.candidates(vector, 100)
  assert considered.actions.shape == (100, 1)
  assert (np.diff(considered.values) <= 0).all()
  values = policy.q(vector, considered.actions)
  np.testing.assert_allclose(values, considered.values, atol=1e-5)
  assert policy.q(vector, considered.actions[3]) == pytest.approx(values[3], abs=1e-5)
  shares = {name: considered.proposers.count(name) for name in considered.proposers}
  assert shares == {'uniform': 90, 'categorical': 9, 'delta': 1}
  assert len(policy.candidates(vector).values) == 10  # m_greedy.


@pytest.mark.parametrize(
  'given',
  [
    *(np.ones(4), np.ones((2, 4)), np.ones((1, 1, 5)), {'x': 1.0}, 'walk', 3),
    *(np.ones(5, np.complex64), np.array(['1.0'] * 5)),
  ],
)
def test_what_is_no_observation_is_refused(
  policy: qmle_acme.Policy, given: Any
) -> None:
  with pytest.raises(UserError, match='no observation of the environment'):
    policy(given)


@pytest.mark.parametrize('given', [[np.zeros(3)], np.zeros((0, 5)), None, 'walk', {}])
def test_what_is_of_no_space_of_gymnasiums_is_refused(
  hybrid: qmle_acme.Policy, given: Any
) -> None:
  with pytest.raises(UserError, match='no observation of the environment'):
    hybrid(given)


@pytest.mark.parametrize(
  ('given', 'where'),
  [
    ([0, 0, np.nan, 0, 0], 'the observation is nan at place 2'),
    (np.array([0.0, 0, 0, 1e300, 0]), 'the observation is inf at place 3'),
    ([[0.0] * 5, [0, -np.inf, 0, 0, 0]], 'observation 1 is -inf at place 1'),
    (np.array([None] * 5), 'the observation is nan at place 0'),
  ],
)
def test_what_is_not_finite_is_refused(
  policy: qmle_acme.Policy, given: Any, where: str
) -> None:
  for function in (policy, lambda o: policy.q(o, [0.0])):
    with pytest.raises(UserError, match=f'^{where}: it must be finite in float32'):
      function(given)
    if np.ndim(given) == 2:  # Values are asked for in one state.
      return


@pytest.mark.parametrize(
  'given',
  [np.ones((3, 2)), np.zeros((0, 1)), [np.nan], ['x'], None, {'a': 1.0}, [[1], [1, 2]]],
)
@pytest.mark.filterwarnings('ignore:Creating an ndarray from ragged')
def test_what_is_no_action_is_refused(policy: qmle_acme.Policy, given: Any) -> None:
  with pytest.raises(UserError, match='no actions of this environment'):
    policy.q(np.ones(5), given)


@pytest.mark.parametrize(
  ('tool', 'push', 'told'),
  [
    (4, 0.0, "['tool'] is 4"),
    (8, 0.0, "['tool'] is 8"),
    (5.5, 0.0, "['tool'] is 5.5"),
    (5, 2.1, "['push'] is [0.0, 2.1]"),
    (5, -1e9, "['push'] is [0.0, -1000000000.0]"),
  ],
)
def test_an_action_outside_of_the_space_is_refused(
  hybrid: qmle_acme.Policy, tool: float, push: float, told: str
) -> None:
  observation, _ = Hybrid().reset()
  with pytest.raises(UserError, match=re.escape(f'action{told}, outside of the space')):
    hybrid.q(observation, {'tool': tool, 'push': np.array([0.0, push])})


def test_the_ends_of_the_box_are_inside(policy: qmle_acme.Policy) -> None:
  for end in (-1.0, 1.0):
    assert np.isfinite(policy.q(np.ones(5), [end]))
    with pytest.raises(UserError, match='no actions of this environment'):
      policy.q(np.ones(5), [1.01 * end])


def test_actions_may_be_lists(policy: qmle_acme.Policy) -> None:
  several = policy.q(np.ones(5), [[0.25], [-0.5]])
  by_one = [policy.q(np.ones(5), [action]) for action in (0.25, -0.5)]
  np.testing.assert_allclose(several, by_one, rtol=1e-5)


@pytest.mark.parametrize('n', [0, 2.5, '5', True, 10**9])
def test_a_number_of_candidates_that_cannot_be_is_refused(
  policy: qmle_acme.Policy, n: Any
) -> None:
  with pytest.raises(UserError, match=r"^n is '?[\w.]+'?: it must be "):
    policy.candidates(np.ones(5), n)


@pytest.mark.parametrize('run', [None, 3, b'run'])
def test_what_is_no_path_is_refused(run: Any) -> None:
  with pytest.raises(UserError, match=r'^run is .*: it must be a path'):
    qmle_acme.load_policy(run)


def test_gymnasiums_own_forms(hybrid: qmle_acme.Policy) -> None:
  own = Hybrid()
  observation, _ = own.reset()
  action = hybrid(observation)
  assert own.action_space.contains(action)
  considered = hybrid.candidates(observation, 30)
  assert set(considered.actions['tool']) <= {5, 6, 7}
  assert considered.actions['push'].shape == (30, 2)
  values = hybrid.q(observation, considered.actions)
  np.testing.assert_allclose(values, considered.values, atol=1e-5)
  vector = spaces.flatten(own.observation_space, observation)
  assert hybrid.q(vector, action) == pytest.approx(hybrid.q(observation, action))


def test_import_takes_no_time() -> None:
  """The bare interpreter's start is taken off; CPU time, since others run beside us."""
  code = 'import time; t = time.process_time(); import qmle_acme; '
  code += 'print(time.process_time() - t)'
  output = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True)
  assert float(output.stdout) < 0.2


def test_policy_of_a_run_that_goes_on(tmp_path: pathlib.Path) -> None:
  config = small_runs.make_config(
    tmp_path / 'run', steps=1_000_000, checkpoint_minutes=0.005
  )
  training_ = small_runs.Training(config)
  try:
    training_.wait_until(lambda: training_.folder.read_status().get('saved_steps', 0))
    first = qmle_acme.load_policy(config.run)
    deadline = time.monotonic() + small_runs.PATIENCE_SECONDS
    while (later := qmle_acme.load_policy(config.run)).step == first.step:
      assert time.monotonic() < deadline
    assert training_.process.poll() is None
    assert 0 < first.step < later.step
    assert later.environment.action_spec().shape == later(np.ones(1)).shape
  finally:
    training_.kill()
