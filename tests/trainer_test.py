"""Training from Python: own environments, callbacks, threads, what is refused."""

import io
import pathlib
import subprocess
import sys
import threading
from typing import Any

import dm_env
import gymnasium
import numpy as np
import pytest
import small_runs
from dm_env import specs
from gymnasium import spaces

import qmle_acme
from qmle_acme import environments, trainer
from qmle_acme.environments import own
from qmle_acme.runs.config import RunConfig
from qmle_acme.runs.run_folder import RunFolder

SMALL: dict[str, Any] = {'evaluation_period': 200, 'evaluation_episodes': 2}


class Reach(gymnasium.Env):
  """One step: the reward is higher the nearer the action is to the target."""

  observation_space = spaces.Dict(
    {'target': spaces.Box(-1, 1, (2,)), 'mode': spaces.Discrete(2)}
  )
  action_space = spaces.Tuple((spaces.Discrete(3), spaces.Box(-1, 1, (2,))))

  def __init__(self, seed: int):
    self.made_with = seed

  def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
    super().reset(seed=seed)
    self._target = self.np_random.uniform(-1, 1, 2).astype(np.float32)
    return {'target': self._target, 'mode': 1}, {}

  def step(self, action: Any) -> Any:
    reward = -float(np.abs(action[1] - self._target).sum())
    return {'target': self._target, 'mode': 0}, reward, True, False, {}


class Nested(dm_env.Environment):
  """Two observations in a dictionary, in float64; an episode has three steps."""

  def reset(self) -> dm_env.TimeStep:
    self._steps = 0
    return dm_env.restart(self._observation())

  def step(self, action: Any) -> dm_env.TimeStep:
    self._steps += 1
    if self._steps == 3:
      return dm_env.termination(1.5, self._observation())
    return dm_env.transition(1.5, self._observation())

  def observation_spec(self) -> Any:
    return {'b': specs.Array((2, 1), np.float64), 'a': specs.Array((), np.int32)}

  def action_spec(self) -> Any:
    return specs.BoundedArray((1,), np.float32, -1.0, 1.0)

  def _observation(self) -> Any:
    return {'b': np.array([[5.0], [6.0]]), 'a': np.int32(self._steps)}


def make_reach(seed: int) -> gymnasium.Env:
  return Reach(seed)


def make_nested(seed: int) -> dm_env.Environment:
  return Nested()


class Blind(Nested):
  """Nothing can be observed in it."""

  def observation_spec(self) -> Any:
    return {'nothing': specs.Array((0,), np.float32)}


def make_blind(seed: int) -> dm_env.Environment:
  return Blind()


def make_without_seed() -> Any:
  return None


def make_list(seed: int) -> Any:
  return [seed]


class Seen(qmle_acme.Callback):
  """Keeps all that it is told; stops at the evaluation after `last` steps."""

  def __init__(self, last: int | None = None):
    self.last = last
    self.evaluations: list[qmle_acme.Evaluation] = []
    self.checkpoints: list[pathlib.Path] = []
    self.results: list[qmle_acme.Result] = []

  def on_evaluation(self, evaluation: qmle_acme.Evaluation) -> bool:
    print('seen', evaluation.actor_steps)
    self.evaluations.append(evaluation)
    return self.last is not None and evaluation.actor_steps >= self.last

  def on_checkpoint(self, path: pathlib.Path) -> None:
    assert (path / 'manifest.json').exists()
    self.checkpoints.append(path)

  def on_end(self, result: qmle_acme.Result) -> None:
    self.results.append(result)


def test_a_whole_run_with_an_environment_of_ones_own(tmp_path: pathlib.Path) -> None:
  seen = Seen()
  result = qmle_acme.train(
    make_reach, tmp_path, steps=500, config=small_runs.QMLE, callbacks=[seen], **SMALL
  )
  assert (result.status, result.steps, result.error) == ('finished', 500, None)
  assert [e.actor_steps for e in seen.evaluations] == [0, 200, 400, 500]
  best = max(seen.evaluations, key=lambda e: e.episode_return_mean)
  assert result.best_return == best.episode_return_mean == np.mean(best.episode_returns)
  assert result.best_step == best.actor_steps
  assert result.final_return == seen.evaluations[-1].episode_return_mean
  assert seen.checkpoints and seen.results == [result]
  policy = qmle_acme.load_policy(result.folder)
  action = policy({'target': np.zeros(2, np.float32), 'mode': 1})
  assert Reach.action_space.contains(action)


def test_a_callback_stops_and_the_same_call_goes_on(tmp_path: pathlib.Path) -> None:
  seen = Seen(last=200)
  values: dict[str, Any] = {'steps': 600, 'config': small_runs.QMLE, **SMALL}
  stopped = qmle_acme.train('bandit:bimodal', tmp_path, callbacks=[seen], **values)
  assert (stopped.status, stopped.error) == ('stopped', None)
  assert 200 <= stopped.steps < 400
  seen.last = None
  finished = qmle_acme.train('bandit:bimodal', tmp_path, callbacks=[seen], **values)
  assert (finished.status, finished.steps) == ('finished', 600)
  assert [e.actor_steps for e in seen.evaluations] == [0, 200, 400, 600]


@pytest.mark.slow
def test_processes_in_a_thread(tmp_path: pathlib.Path) -> None:
  seen = Seen(last=200)
  results = []

  def train() -> None:
    results.append(
      qmle_acme.train(
        make_nested,
        tmp_path,
        steps=100_000,
        config=small_runs.QMLE,
        callbacks=[seen],
        layout='distributed',
        actors=1,
        **SMALL,
      )
    )

  thread = threading.Thread(target=train)
  thread.start()
  thread.join(small_runs.PATIENCE_SECONDS)
  assert not thread.is_alive()
  assert results == seen.results
  assert results[0].status == 'stopped' and 200 <= results[0].steps < 100_000
  assert seen.evaluations[-1].episode_returns == (4.5, 4.5)
  assert seen.checkpoints


def test_a_callback_that_fails_ends_the_run(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  cell = io.StringIO()  # As a notebook has it.
  monkeypatch.setattr(sys, 'stderr', cell)

  class Broken(qmle_acme.Callback):
    def on_evaluation(self, evaluation: qmle_acme.Evaluation) -> None:
      if evaluation.actor_steps:
        raise ValueError('no disk for my table')

  result = qmle_acme.train(
    'bandit:bimodal',
    tmp_path,
    steps=1_000,
    config=small_runs.QMLE,
    callbacks=[Broken()],
    **SMALL,
  )
  assert result.status == 'failed' and result.steps == 200
  what = 'Broken.on_evaluation has raised ValueError: no disk for my table'
  assert result.error and what in result.error and __file__ in result.error
  assert 'Traceback' not in cell.getvalue()
  assert 'Traceback' in (tmp_path / 'logs' / 'main.log').read_text()


@pytest.mark.parametrize('layout', ['local', 'distributed'])
def test_a_callback_that_fails_at_the_last_checkpoint_fails_the_run(
  tmp_path: pathlib.Path, layout: str
) -> None:
  class Broken(Seen):
    def on_checkpoint(self, path: pathlib.Path) -> None:
      super().on_checkpoint(path)
      raise ValueError('no disk for my copy')

  broken = Broken()
  result = qmle_acme.train(
    'bandit:bimodal',
    tmp_path,
    steps=300,
    config=small_runs.QMLE,
    callbacks=[broken],
    layout=layout,
    **SMALL,
  )
  assert result.status == 'failed' and result.steps >= 300
  assert result.error and 'Broken.on_checkpoint has raised ValueError' in result.error
  assert RunFolder(tmp_path).read_status()['state'] == 'failed'
  assert broken.results == [result] and len(broken.checkpoints) == 1


def test_one_run_at_a_time(tmp_path: pathlib.Path) -> None:
  refused = []

  class Again(qmle_acme.Callback):
    def on_evaluation(self, evaluation: qmle_acme.Evaluation) -> bool:
      with pytest.raises(qmle_acme.UserError, match='another run goes on') as error:
        qmle_acme.train('bandit:bimodal', tmp_path / 'second', steps=100)
      refused.append(error)
      return True

  values: dict[str, Any] = {'steps': 400, 'config': small_runs.QMLE, **SMALL}
  for name in ('first', 'third'):
    qmle_acme.train('bandit:bimodal', tmp_path / name, callbacks=[Again()], **values)
  assert len(refused) == 2 and not (tmp_path / 'second').exists()


def test_early_stopping_by_hand() -> None:
  def answers(stop: qmle_acme.EarlyStopping, *returns: float) -> list[bool]:
    made = (qmle_acme.Evaluation(0, 0, value, (value,)) for value in returns)
    return [stop.on_evaluation(evaluation) for evaluation in made]

  assert answers(qmle_acme.EarlyStopping(target=3), 1, 2, 3) == [False, False, True]
  patient = qmle_acme.EarlyStopping(patience=2)
  assert answers(patient, 1, 1, 2, 1, 2) == [False, False, False, False, True]
  # Half a point is no gain, and the best one is still the one to beat.
  strict = qmle_acme.EarlyStopping(patience=2, min_gain=1.0)
  assert answers(strict, 1, 1.5, 2.6, 3) == [False, False, False, False]
  with pytest.raises(qmle_acme.UserError, match='target, patience or both'):
    qmle_acme.EarlyStopping()


def test_dm_env_observations_become_one_vector() -> None:
  with environments.make(f'python:{__name__}:make_nested', 0) as environment:
    np.testing.assert_array_equal(environment.reset().observation, [0, 5, 6])
    timestep = environment.step(np.zeros(1))
    np.testing.assert_array_equal(timestep.observation, [1, 5, 6])
    assert timestep.observation.dtype == np.float32


@pytest.mark.parametrize(
  ('name', 'message'),
  [
    ('./mine.py:make', 'in the folder .: --env python:mine:make'),
    ('python:mine.py:make', 'in its folder: --env python:mine:make'),
    ('python:make', 'python:make is not of the form python:<module>:<function>'),
    ('python:no.such:make', 'cannot import no.such: ModuleNotFoundError: No module'),
    ('python:os:_exit', 'os is a module of Python itself'),
    ('python:trainer_test:SMALL', 'trainer_test has no function SMALL'),
    (
      'python:trainer_test:Reach',
      'is a class: it must be a function that takes a seed',
    ),
    ('python:trainer_test:make_without_seed', 'it must take one argument, a seed'),
    ('python:trainer_test:make_blind', 'make_blind: its observation spec is empty'),
    ('python:trainer_test:make_list', 'returned a list: it must return a dm_env'),
  ],
)
def test_a_name_that_cannot_be_used(name: str, message: str) -> None:
  with pytest.raises(qmle_acme.UserError, match=message):
    environments.make(name, 0)


def test_settings_by_name_lie_under_those_of_the_call(tmp_path: pathlib.Path) -> None:
  own = tmp_path / 'own.yaml'
  own.write_text('{layout: distributed, steps: 9, actors: 3, qmle: {n_step: 2}}')
  run = str(tmp_path / 'run')

  def config_of(
    config: str | pathlib.Path, layout: str | None = None, **settings: Any
  ) -> RunConfig:
    return trainer._make_config('bandit:bimodal', run, 50, config, layout, settings)

  strong, mine = config_of('strong'), config_of(own, seed=8)

  assert (strong.label, strong.qmle.n_step, strong.steps) == ('strong', 3, 50)
  assert (mine.qmle.n_step, mine.actors, mine.seed, mine.steps) == (2, 3, 8, 50)
  assert str(mine.run) == run
  assert (strong.layout, mine.layout) == ('local', 'distributed')
  assert config_of(str(own), 'local').layout == 'local'


def test_what_train_refuses(tmp_path: pathlib.Path) -> None:
  def refusal(make: Any, **values: Any) -> str:
    with pytest.raises(qmle_acme.UserError) as error:
      qmle_acme.train(make, tmp_path / 'run', **{'steps': 10, **values})
    assert not (tmp_path / 'run').exists()
    return str(error.value)

  assert 'at the top level of a module' in refusal(lambda seed: Reach(seed))
  assert 'nearest: actors' in refusal(make_reach, actor=3)
  assert 'config is a dict: it must be one of QMLEConfig' in refusal(
    make_reach, config={'n_step': 3}
  )
  assert 'd4pg' in refusal(make_reach, config=qmle_acme.D4PGConfig())
  assert "'stong'; nearest: strong" in refusal(make_reach, config='stong')
  assert 'nearest: bandit:bimodal' in refusal('bandit:bimodl')
  assert 'is the class Reach: it must be a function' in refusal(Reach)
  assert 'config=QMLEConfig(n_step=...)' in refusal(make_reach, n_step=5)
  assert refusal(make_reach, agent='d4pg') == 'agent is given by the type of config'
  assert refusal(make_reach, qmle={}) == 'qmle is given by config=QMLEConfig(...)'
  assert 'steps is 1000.0: it must be a whole number' in refusal(make_reach, steps=1e3)
  assert 'instances, not EarlyStopping' in refusal(
    make_reach, callbacks=qmle_acme.EarlyStopping(target=1)
  )
  for each in (print, None, qmle_acme.Callback):
    assert 'a list of Callback instances, not ' in refusal(make_reach, callbacks=[each])


@pytest.mark.parametrize('folder', ['', '.', b'run', None])
def test_a_folder_of_other_files_is_refused(
  folder: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  (tmp_path / 'thesis.tex').touch()
  monkeypatch.chdir(tmp_path)
  with pytest.raises(qmle_acme.UserError, match=r'thesis\.tex|must be a path'):
    qmle_acme.train(make_reach, folder, steps=np.int64(10))  # type: ignore[arg-type]
  assert [path.name for path in tmp_path.iterdir()] == ['thesis.tex']


@pytest.mark.parametrize(
  'values',
  [{'target': '5'}, {'target': float('nan')}, {'patience': 1.5}, {'patience': 0}],
)
def test_early_stopping_that_could_never_be_is_refused(values: dict[str, Any]) -> None:
  with pytest.raises(qmle_acme.UserError, match=f'^{next(iter(values))} is '):
    qmle_acme.EarlyStopping(**values)


SCRIPT = """
import gymnasium
import qmle_acme
from trainer_test import Reach

def make(seed):
  return Reach(seed)

{guard}
print(qmle_acme.environments.own.name_of(make))
"""


@pytest.mark.parametrize('guard', ["if __name__ == '__main__':", 'if True:'])
def test_a_function_of_the_script_itself(guard: str, tmp_path: pathlib.Path) -> None:
  lines = SCRIPT.format(guard=guard).replace('\nprint', '\n  print')
  script = tmp_path / 'my_script.py'
  script.write_text(
    lines.replace('import qmle_acme\n', 'import qmle_acme.environments.own\n')
  )
  done = subprocess.run(
    [sys.executable, str(script)],
    env={
      'PYTHONPATH': str(pathlib.Path(__file__).parent / 'runs')
      + ':'
      + str(pathlib.Path(__file__).parent)
    },
    capture_output=True,
    text=True,
  )
  if guard == 'if True:':
    assert 'my_script trains while it is being imported' in done.stderr
  else:
    assert done.stdout == 'python:my_script:make\n', done.stderr


def test_a_function_of_a_prompt_is_refused() -> None:
  def make(seed: int) -> Reach:
    return Reach(seed)

  make.__module__, make.__qualname__ = '__main__', 'make'
  with pytest.raises(qmle_acme.UserError, match='nodes cannot import make'):
    own.name_of(make)
