"""Where records are sent, behind one interface. Each has its own environment variables.

Both packages are extras, and are imported where one of them is asked for.
"""

import json
import os
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from qmle_acme.errors import UserError, check_installed
from qmle_acme.files import read_json, write_atomically
from qmle_acme.runs.records import ACTOR_STEPS
from qmle_acme.runs.run_folder import RunFolder

_PROJECT = 'qmle_acme'


class Service(Protocol):
  """Takes the records of one run."""

  def log(self, step: int, values: Mapping[str, float]) -> None:
    """Takes numbers of an actor step, by name."""

  def close(self) -> None:
    """Sends what has not been sent."""


class WandB:
  """Weights & Biases; with WANDB_MODE=offline all stays in `wandb/` of the folder."""

  def __init__(self, folder: RunFolder, settings: Mapping[str, Any]):
    import wandb

    self._run = wandb.init(
      project=os.environ.get('WANDB_PROJECT', _PROJECT),
      id=_identity(folder, 'wandb', lambda: uuid.uuid4().hex),
      name=folder.path.name,
      dir=folder.path,
      config=dict(settings),
      resume='allow',
      settings=wandb.Settings(silent=True, console='off'),
    )
    # A run may go back to a checkpoint: its own steps would only go up.
    self._run.define_metric('*', step_metric=ACTOR_STEPS)

  def log(self, step: int, values: Mapping[str, float]) -> None:
    """Takes numbers of an actor step, by name."""
    self._run.log({ACTOR_STEPS: step, **values})

  def close(self) -> None:
    """Sends what has not been sent."""
    self._run.finish()


class MLflow:
  """MLflow; without MLFLOW_TRACKING_URI all stays in `mlruns/` of the run folder."""

  def __init__(self, folder: RunFolder, settings: Mapping[str, Any]):
    # Of its local stores only files need no database; it wants to be told so.
    os.environ.setdefault('MLFLOW_ALLOW_FILE_STORE', 'true')
    import mlflow
    from mlflow.entities import Metric

    local = (folder.path / 'mlruns').as_uri()
    self._client = mlflow.MlflowClient(os.environ.get('MLFLOW_TRACKING_URI', local))
    self._run = _identity(folder, 'mlflow', lambda: self._create(folder.path.name))
    self._client.set_tag(self._run, 'settings', json.dumps(settings))
    self._metric = Metric

  def log(self, step: int, values: Mapping[str, float]) -> None:
    """Takes numbers of an actor step, by name."""
    now = int(1_000 * time.time())
    metrics = [self._metric(k, float(v), now, step) for k, v in values.items()]
    self._client.log_batch(self._run, metrics)

  def close(self) -> None:
    """Says that no more comes."""
    self._client.set_terminated(self._run)

  def _create(self, name: str) -> str:
    """Returns the identity of a new run in its experiment."""
    title = os.environ.get('MLFLOW_EXPERIMENT_NAME', _PROJECT)
    found = self._client.get_experiment_by_name(title)
    experiment = found.experiment_id if found else self._client.create_experiment(title)
    run: str = self._client.create_run(experiment, run_name=name).info.run_id
    return run


_KINDS: dict[str, Callable[[RunFolder, Mapping[str, Any]], Service]] = {
  'wandb': WandB,
  'mlflow': MLflow,
}


def check(names: tuple[str, ...]) -> None:
  """Checks that services can be used, as far as can be known without asking them.

  Raises:
    UserError: a package is not installed, or Weights & Biases knows no account.
  """
  for name in names:
    check_installed(name, 'track', f'--track {name}')
  if 'wandb' in names and 'WANDB_MODE' not in os.environ:
    import wandb

    if not wandb.api.api_key:
      raise UserError(
        '--track wandb knows no account: call `wandb login` once, or set '
        'WANDB_MODE=offline'
      )


def start(name: str, folder: RunFolder, settings: Mapping[str, Any]) -> Service:
  """Returns a service that goes on where the run's earlier parts have stopped."""
  return _KINDS[name](folder, settings)


def _identity(folder: RunFolder, service: str, make: Callable[[], str]) -> str:
  """Returns what a service knows the run by; it is kept in the run folder."""
  path = folder.path / 'tracking.json'
  known: dict[str, str] = read_json(path) if path.exists() else {}
  if service not in known:
    known[service] = make()
    write_atomically(path, json.dumps(known))
  return known[service]
