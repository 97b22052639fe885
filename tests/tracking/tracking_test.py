"""Records sent on to Weights & Biases and MLflow, as they keep them offline."""

import json
import pathlib
import time
import types
from typing import Any

import mlflow
import pytest
import wandb
from wandb.proto import wandb_internal_pb2
from wandb.sdk.internal import datastore

from qmle_acme import tracking
from qmle_acme.errors import UserError
from qmle_acme.runs.config import RunConfig
from qmle_acme.runs.recording import Recorder
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.tracking.following import Tail


@pytest.fixture
def config(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> RunConfig:
  monkeypatch.setenv('WANDB_MODE', 'offline')
  monkeypatch.delenv('MLFLOW_TRACKING_URI', raising=False)
  return RunConfig(
    run=tmp_path / 'my run', env='bandit:bimodal', track=('wandb', 'mlflow')
  )


@pytest.fixture
def folder(config: RunConfig) -> RunFolder:
  folder = RunFolder(config.run)
  folder.make()
  folder.write_config(config)
  return folder


def train(
  config: RunConfig, folder: RunFolder, start: int, returns: list[float]
) -> None:
  """Records as a part of a run does: evaluations 100 steps apart."""
  said: list[str] = []
  recorder = Recorder(str(folder.path))
  with tracking.following(config, folder, said.append):
    recorder.restore({'actor_steps': start})
    for value in returns:
      recorder.increment(actor_steps=100)
      recorder.record_evaluation(recorder.get_counts(), [value])
      recorder.record_metrics('learner', {'loss': value / 2})
  assert said == []


def read_wandb(folder: RunFolder) -> list[dict[str, float]]:
  """Returns the history of all offline parts, in order."""
  history = []
  for path in sorted(folder.path.glob('wandb/offline-run-*/*.wandb')):
    for record in read_whole(path):
      items = record.history.item
      if items:
        names = {
          i.key or '.'.join(i.nested_key): json.loads(i.value_json) for i in items
        }
        history.append(names)
  return history


def read_whole(path: pathlib.Path) -> list[Any]:
  """Returns the records of a part, whose own process may write on for a while."""
  until = time.monotonic() + 30
  while True:
    store = datastore.DataStore()
    store.open_for_scan(str(path))
    records = []
    while (data := store.scan_data()) is not None:
      records.append(wandb_internal_pb2.Record())  # type: ignore[attr-defined]
      records[-1].ParseFromString(data)
    if any(r.HasField('exit') for r in records):
      return records
    assert time.monotonic() < until, f'{path} has no end'
    time.sleep(0.1)


def test_records_arrive_once_over_two_parts_of_a_run(
  config: RunConfig, folder: RunFolder
) -> None:
  train(config, folder, 0, [1.0, 2.0])
  train(config, folder, 200, [3.0])

  client = mlflow.MlflowClient((folder.path / 'mlruns').as_uri())
  experiment = client.get_experiment_by_name('qmle_acme')
  assert experiment
  (run,) = client.search_runs([experiment.experiment_id])
  assert (run.info.run_name, run.info.status) == ('my run', 'FINISHED')
  assert json.loads(run.data.tags['settings'])['env'] == 'bandit:bimodal'
  for name, factor in (('evaluation/episode_return_mean', 1.0), ('learner/loss', 0.5)):
    found = [
      (m.step, m.value) for m in client.get_metric_history(run.info.run_id, name)
    ]
    assert found == [(100, factor), (200, 2 * factor), (300, 3 * factor)]
    history = [r for r in read_wandb(folder) if name in r]
    assert [(r['actor_steps'], r[name]) for r in history] == found
  identity = json.loads((folder.path / 'tracking.json').read_text())['wandb']
  parts = list(folder.path.glob('wandb/offline-run-*'))
  # Of two that begin within a second the later one has a number behind its identity.
  names = [part.name.removesuffix('-1') for part in parts]
  assert [name.rpartition('-')[2] for name in names] == [identity] * 2


def test_what_a_run_repeats_after_going_back_is_not_sent_again(
  folder: RunFolder,
) -> None:
  recorder = Recorder(str(folder.path))
  tail = Tail(folder.evaluations)
  assert tail.read() == []

  def evaluate(value: float) -> None:
    recorder.increment(actor_steps=100)
    recorder.record_evaluation(recorder.get_counts(), [value])

  def read() -> list[float]:
    return [record['episode_return_mean'] for record in tail.read()]

  for value in (1.0, 2.0, 3.0):
    evaluate(value)
  assert read() == [1.0, 2.0, 3.0]
  assert read() == []
  recorder.restore({'actor_steps': 100})
  evaluate(2.5)
  assert read() == []
  evaluate(3.5)  # It is not the first of the new file that is read.
  assert read() == []
  evaluate(4.0)
  assert read() == [4.0]


def test_a_service_that_fails_ends_no_run(
  config: RunConfig, folder: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.setenv('MLFLOW_TRACKING_URI', 'nowhere://x')
  said: list[str] = []
  with tracking.following(config, folder, said.append):
    Recorder(str(folder.path)).record_evaluation({}, [7.0])
  (line,) = said
  assert line.startswith('mlflow takes no more records: ')
  assert [r['evaluation/episode_return_mean'] for r in read_wandb(folder)] == [7.0]


def test_what_is_missing_is_named_before_a_run_begins(
  config: RunConfig, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.delenv('WANDB_MODE')
  monkeypatch.setattr(wandb, 'api', types.SimpleNamespace(api_key=None))
  with pytest.raises(UserError, match='call `wandb login` once, or set WANDB_MODE'):
    tracking.check(config)
  monkeypatch.setattr('importlib.util.find_spec', lambda name: None)
  with pytest.raises(UserError, match='wandb, which is not installed: pip install'):
    tracking.check(config)
