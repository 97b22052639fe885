"""Runs that take seconds, for the tests of whatever happens in one."""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

import psutil
import yaml

from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.agents.qmle.predictors import CategoricalConfig, DeltaConfig
from qmle_acme.runs.config import RunConfig, to_dict
from qmle_acme.runs.run_folder import RunFolder

# Small in everything that costs time; shares of the candidates that give all a chance.
QMLE = QMLEConfig(
  batch_size=16,
  samples_per_insert=2.0,
  min_replay_size=100,
  replay_size=20_000,
  m_target=8,
  m_greedy=16,
  hidden_size=16,
  uniform_ratio=0.5,
  predictors=(DeltaConfig(0.25), CategoricalConfig(0.25)),
)
# Wall time for what takes a tenth of it on a machine that does nothing else.
PATIENCE_SECONDS = 240.0


def make_config(run: pathlib.Path, **settings: Any) -> RunConfig:
  """Returns the settings of a small run."""
  defaults: dict[str, Any] = {
    'env': 'bandit:bimodal',
    'layout': 'local',
    'evaluation_episodes': 1,
    'qmle': QMLE,
  }
  return RunConfig(run=run, **(defaults | settings))


class Training:
  """`qmle train` as a process of its own, and what it leaves."""

  def __init__(self, config: RunConfig):
    """Starts it.

    Args:
      config: settings of the run; they lie beside its folder, and so do the outputs.
    """
    self.config = config
    self.folder = RunFolder(config.run)
    self._overlay = config.run.with_suffix('.yaml')
    self._overlay.write_text(as_yaml(config))
    self.stdout = config.run.with_suffix('.stdout')
    self.stderr = config.run.with_suffix('.stderr')
    with self.stdout.open('w') as stdout, self.stderr.open('w') as stderr:
      self.process = psutil.Popen(
        qmle('train', '--config', str(self._overlay), '--run', str(config.run)),
        stdout=stdout,
        stderr=stderr,
      )
    self.nodes: list[psutil.Process] = []

  def wait(self) -> int:
    """Returns the exit code."""
    try:
      return self.process.wait(PATIENCE_SECONDS)
    finally:
      self.kill()

  def wait_until(self, condition: Callable[[], bool]) -> None:
    """Waits for a condition, which must come true while the run goes on."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
      assert self.process.poll() is None, self.output()
      assert time.monotonic() < deadline, self.output()
      time.sleep(0.1)
    self.nodes = self.process.children(recursive=True)

  def send(self, number: signal.Signals) -> None:
    """Sends a signal to the process."""
    self.process.send_signal(number)

  def kill(self) -> None:
    """Ends the process, if it has not ended."""
    if self.process.poll() is None:
      self.process.kill()
      self.process.wait()

  def node(self, label: str) -> psutil.Process:
    """Returns the process of the first node of a label, as soon as it is there."""
    log = str(self.folder.logs / f'{label}-0.log')
    found: list[psutil.Process] = []

    def find() -> bool:
      for process in self.process.children(recursive=True):
        with contextlib.suppress(psutil.Error):  # It may be gone again.
          if log in {file.path for file in process.open_files()}:
            found.append(process)
      return bool(found)

    self.wait_until(find)
    return found[0]

  def nursery(self) -> psutil.Process:
    """Returns the process that nodes are forked from, once there are any."""
    self.node('counter')
    (nursery,) = self.process.children()
    return nursery

  def complaints(self) -> list[str]:
    """Returns the lines of standard error that do not say what is waited for."""
    lines = self.stderr.read_text().splitlines()
    return [line for line in lines if not line.endswith(' ...')]

  def output(self) -> str:
    """Returns all that was printed."""
    return self.stdout.read_text() + self.stderr.read_text()

  def status(self) -> dict[str, Any]:
    """Returns the status in the run folder."""
    return json.loads(self.folder.status.read_text())

  def log(self, node: str = 'main') -> str:
    """Returns the log of a node."""
    path = self.folder.logs / f'{node}.log'
    return path.read_text() if path.exists() else ''


def as_yaml(config: RunConfig) -> str:
  """Returns the settings of a run as a file of `--config` has them."""
  return yaml.safe_dump(to_dict(config))


def qmle(*arguments: str) -> list[str]:
  """Returns the command line of the installed command."""
  return [os.path.join(os.path.dirname(sys.executable), 'qmle'), *arguments]


def run_qmle(*arguments: str, **settings: Any) -> subprocess.CompletedProcess[str]:
  """Runs the installed command to its end."""
  return subprocess.run(
    qmle(*arguments),
    capture_output=True,
    text=True,
    timeout=PATIENCE_SECONDS,
    **settings,
  )


def train(config: RunConfig) -> Training:
  """Trains to an end that must be a good one."""
  training = Training(config)
  code = training.wait()
  assert code == 0, training.output() + training.log()
  return training


def fill(disk: pathlib.Path) -> pathlib.Path:
  """Leaves no block of a file system; returns the file that has them all."""
  filler = disk / 'filler'
  with filler.open('wb', buffering=0) as file, contextlib.suppress(OSError):
    while True:
      file.write(bytes(4096))
  return filler


def are_alive(processes: list[psutil.Process]) -> bool:
  """Returns whether any of the processes still runs."""
  return any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)


def column(records: list[dict[str, Any]], name: str) -> list[Any]:
  """Returns a field of those records that have it."""
  return [record[name] for record in records if name in record]
