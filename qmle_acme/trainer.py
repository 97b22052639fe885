"""Training from Python: the same runs as `qmle train`, with callbacks."""

import contextlib
import dataclasses
import os
import pathlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from qmle_acme import callbacks as callbacks_lib
from qmle_acme import environments, training
from qmle_acme.agents import AgentConfig
from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.callbacks import Callback, Result, Watcher
from qmle_acme.environments.own import MakeEnvironment, name_of
from qmle_acme.errors import UserError, check_path, check_whole, unknown
from qmle_acme.runs import agents, checkpointing
from qmle_acme.runs.config import RunConfig, overlay_files
from qmle_acme.runs.evaluations import best_of, read_evaluations
from qmle_acme.runs.records import ACTOR_STEPS
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.runs.shipped import settings_file

# What has an argument of its own, or follows from one.
_ARGUMENTS = {
  'run': 'folder',
  'env': 'make_environment',
  'agent': 'the type of config',
  'steps': 'steps',
  'layout': 'layout',
}
# Held while a run goes on.
_one = threading.Lock()


def train(
  make_environment: str | MakeEnvironment,
  folder: str | os.PathLike[str],
  *,
  steps: int,
  config: AgentConfig | str | os.PathLike[str] | None = None,
  callbacks: Sequence[Callback] = (),
  layout: str | None = None,
  **settings: Any,
) -> Result:
  """Trains an agent, or goes on where the run in the folder stopped.

  It may be called in any thread; in the main thread Ctrl-C and SIGTERM stop the run
  with a checkpoint. What libraries print meanwhile goes to `logs/` in the folder.

  Args:
    make_environment: from a seed to a `dm_env.Environment` or a `gymnasium.Env`: a
      function at the top level of a module, so that nodes can import it; or the name
      of an environment, as `qmle train --env` takes it.
    folder: of the run; it is made if it is missing.
    steps: environment steps of the whole run. More than before goes on.
    config: of the agent, whose type says which one; or a file of settings, or the name
      of one that comes with the package, such as 'strong'; by default QMLE's defaults.
    callbacks: are told of evaluations, checkpoints and the end.
    layout: 'local', one process; or 'distributed', a process for each node. By default
      what the file of settings says, and otherwise 'local'.
    **settings: others of `runs.config.RunConfig`, such as `seed=1`, `actors=4` or
      `evaluation_period=5_000`.

  Returns:
    How the run stands; a run that has failed says so there, and does not raise.

  Raises:
    UserError: environment, settings or folder cannot be used, or another run goes on in
      this process; nothing is left behind.
  """
  callbacks_lib.check(callbacks)
  run = _make_config(make_environment, folder, steps, config, layout, settings)
  RunFolder(run.run).check_is_meant()
  is_main = threading.current_thread() is threading.main_thread()
  if (run.layout, run.launch, is_main) == ('distributed', 'threads', False):
    raise UserError("launch='threads' needs the main thread: use 'processes'")
  with _alone(), _environment({'grpc_proxy': '', **run.learner_limits}):
    watcher = Watcher(RunFolder(run.run), callbacks)
    outcome = training.run(run, poll=watcher.poll)
    result = _result(RunFolder(run.run), outcome.state, outcome.error)
    watcher.end(result)
  return result


@contextlib.contextmanager
def _environment(wanted: Mapping[str, str]) -> Iterator[None]:
  """Sets variables while a run goes on, as `qmle train` does for its process.

  Our own servers are not behind a proxy. TensorFlow reads its threads with the first
  tensor; what it has read stays.
  """
  before = {name: os.environ.get(name) for name in wanted}
  os.environ.update(wanted)
  try:
    yield
  finally:
    for name, value in before.items():
      if value is None:
        del os.environ[name]
      else:
        os.environ[name] = value


@contextlib.contextmanager
def _alone() -> Iterator[None]:
  """Refuses a second run at a time: logs and settings of TensorFlow are the process's.

  Raises:
    UserError: another run goes on in this process.
  """
  if not _one.acquire(blocking=False):
    raise UserError(
      'another run goes on in this process: start each in a process of its own'
    )
  try:
    yield
  finally:
    _one.release()


def _make_config(
  make_environment: str | MakeEnvironment,
  folder: str | os.PathLike[str],
  steps: int,
  config: AgentConfig | str | os.PathLike[str] | None,
  layout: str | None,
  settings: dict[str, Any],
) -> RunConfig:
  """Returns the settings of the run."""
  kinds = agents.kinds()
  known = {f.name for f in dataclasses.fields(RunConfig)} - {*_ARGUMENTS, *kinds}
  base = RunConfig(run=pathlib.Path(os.curdir), layout='local')
  if isinstance(config, str | os.PathLike):
    base = overlay_files(base, [settings_file(os.fspath(config))])
    config = base.of_agent
  own = QMLEConfig() if config is None else config
  for name in settings:
    if name in _ARGUMENTS:
      raise UserError(f'{name} is given by {_ARGUMENTS[name]}')
    if name in kinds:
      raise UserError(f'{name} is given by config={kinds[name].__name__}(...)')
    if hasattr(own, name):
      raise UserError(
        f'{name} is a setting of the agent: config={type(own).__name__}({name}=...)'
      )
    if name not in known:
      raise unknown('setting', name, known)
  if type(own) not in kinds.values():
    names = ', '.join(kind.__name__ for kind in kinds.values())
    raise UserError(
      f'config is a {type(own).__name__}: it must be one of {names}, or name settings'
    )
  agent = own.AGENT
  env = make_environment
  if not isinstance(env, str):
    env = name_of(env)
  environments.check(env)
  values: dict[str, Any] = {**settings, 'layout': layout or base.layout, agent: own}
  check_path('folder', folder)
  check_whole('steps', steps)
  run = pathlib.Path(folder).absolute()  # An environment may change the current one.
  return dataclasses.replace(
    base, run=run, env=env, agent=agent, steps=int(steps), **values
  )


def _result(folder: RunFolder, status: str, error: str | None) -> Result:
  """Returns what the folder says of the run."""
  evaluations = read_evaluations(folder)
  best = best_of(evaluations)
  return Result(
    folder=folder.path,
    status=status,
    steps=int(checkpointing.read_counts(folder).get(ACTOR_STEPS, 0)),
    final_return=evaluations[-1].episode_return_mean if evaluations else None,
    best_return=best.episode_return_mean if best else None,
    best_step=best.actor_steps if best else None,
    error=error,
  )
