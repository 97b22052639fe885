"""The run folder: the one place that knows which file of a run is where."""

import datetime
import math
import os
import pathlib
from typing import Any, TextIO

import yaml

from qmle_acme import locks
from qmle_acme.errors import UserError, unreadable
from qmle_acme.files import (
  append_line,
  check_is_meant,
  is_disk_full,
  lost_on_full_disk,
  make_folder,
  overwrite,
  read_json,
  to_json,
  write_atomically,
)
from qmle_acme.runs import config as config_lib
from qmle_acme.runs.cpu_time import tree_cpu_seconds
from qmle_acme.runs.records import read_records

# The state of a run whose process is gone without a word, as after SIGKILL.
DIED = 'died'
# What the settings of every run name, whatever its version.
_ESSENTIALS = {
  'env': str,
  'agent': str,
  'seed': int,
  'steps': int,
  'evaluation_period': int,
}
# What is read of a status.
_STATUS: dict[str, tuple[type, ...]] = {
  'state': (str,),
  'error': (str, type(None)),
  'warning': (str,),
  'actor_steps': (int, float),
  'learner_steps': (int, float),
  'saved_steps': (int, float),
  'cpu_seconds': (int, float),
  'restarts': (int, float),
}


class RunFolder:
  """A folder that holds all of a run: settings, records, logs and checkpoints."""

  def __init__(self, path: pathlib.Path):
    self.path = path.resolve()
    self.config = self.path / 'config.yaml'
    self.status = self.path / 'status.json'
    self.starts = self.path / 'starts.jsonl'
    self.metrics = self.path / 'metrics.jsonl'
    self.evaluations = self.path / 'evaluations.jsonl'
    self.tensorboard = self.path / 'tensorboard'
    self.faults = self.path / 'faults.jsonl'
    self.videos = self.path / 'videos'
    self.logs = self.path / 'logs'
    self.learner_checkpoints = self.path / 'checkpoints' / 'learner'
    self.replay_checkpoints = self.path / 'checkpoints' / 'replay'
    self.best_checkpoints = self.path / 'checkpoints' / 'best'
    self._cpu_seconds_offset = 0.0

  def make(self) -> None:
    """Makes the folder, readable by its owner alone; one that is there stays as it is.

    Raises:
      UserError: there is no writing in it.
    """
    make_folder(self.path, mode=0o700)

  def check_is_meant(self) -> None:
    """Refuses a folder of other files, as that which one is in, or one with a typo.

    Raises:
      UserError: it holds files that can be seen, and is no run.
    """
    check_is_meant(self.path, 'run', (self.config.name,))

  def open(self, config: config_lib.RunConfig) -> TextIO:
    """Makes the folder, or opens it to resume; returns the lock that is now held.

    Raises:
      UserError: there is no writing in this folder, another process trains in it, it
        belongs to a run of other settings, or cannot be read; nothing is changed then.
    """
    self.make()
    lock = locks.lock(self.path, 'qmle train')
    try:
      self.check_same(config)
      # A process may train one run after another.
      before = self.read_status().get('cpu_seconds', 0.0)
      self._cpu_seconds_offset = before - tree_cpu_seconds()
    except BaseException:
      lock.close()
      raise
    # What an environment forks would hold it for as long as it lives.
    os.register_at_fork(after_in_child=lock.close)
    return lock

  def is_held(self) -> bool:
    """Returns whether a process trains in this folder, as far as can be known."""
    return locks.is_held(self.path)

  def check_same(
    self,
    config: config_lib.RunConfig,
    may_change: tuple[str, ...] = config_lib.HARMLESS,
  ) -> list[str]:
    """Checks that a run that is there was made with these settings.

    What does not change the experiment may differ, and the settings of agents that it
    does not train. A setting that the run lacks, as it is of an older version, has its
    default.

    Args:
      config: the settings.
      may_change: how the lines of what may differ begin.

    Returns:
      A line for each difference that there may be.

    Raises:
      UserError: they differ in more, or cannot be read.
    """
    if not self.config.exists():
      return []
    settings = config_lib.to_dict(config)
    old = self.read_settings()
    # Settings of an agent that is not trained, before or now, make no difference.
    for agent in config_lib.AGENTS:
      if {old['agent'], settings['agent']} != {agent}:
        old.pop(agent, None)
        settings.pop(agent)
    filled = config_lib.with_defaults(old)
    changes = config_lib.differences(filled, settings)
    refused = [c for c in changes if not c.startswith(may_change)]
    if refused:
      raise UserError(
        f'{self.path} holds a run of other settings ({"; ".join(refused)}): '
        'use these again, or another folder'
      )
    lacking = config_lib.differences(old, filled)
    return [*changes, *(f'{line} (new, its default)' for line in lacking)]

  def write_config(self, config: config_lib.RunConfig) -> None:
    """Writes the settings of the run; of the agents' only those of its own."""
    settings = config_lib.to_dict(config)
    for agent in set(config_lib.AGENTS) - {config.agent}:
      del settings[agent]
    text = yaml.safe_dump(settings, sort_keys=False)
    write_atomically(self.config, text)

  def read_config(self) -> config_lib.RunConfig:
    """Returns the settings of the run.

    Raises:
      UserError: this is no run folder, or its settings cannot be used.
    """
    if not self.config.exists():
      why = 'it holds no config.yaml' if self.path.exists() else 'nothing is there'
      if below := self._first_run_below():
        why += f'; a run lies in {below}'
      raise UserError(f'{self.path} is no run folder: {why}')
    return config_lib.from_dict(self.read_settings(), self.path)

  def _first_run_below(self) -> pathlib.Path | None:
    """Returns a run of a benchmark or a study, if this is the folder of one."""
    for depth in ('*', '*/*', '*/*/*'):
      for config in sorted(self.path.glob(f'{depth}/config.yaml')):
        return config.parent
    return None

  def read_settings(self) -> dict[str, Any]:
    """Returns the settings of the run as plain data, also those of other versions.

    Raises:
      UserError: there are none, or not those of a run.
    """
    settings = config_lib.without_nulls(config_lib.load_yaml(self.config))
    for name, kind in _ESSENTIALS.items():
      if not isinstance(settings.get(name), kind):
        raise UserError(
          f'{self.config} holds no settings of a run: its {name} is '
          f'{settings.get(name)!r}'
        )
    return settings

  def write_status(self, state: str, counts: dict[str, Any], error: str | None) -> None:
    """Says how the run stands: running, finished, stopped or failed.

    With it goes the CPU time of all parts of the run since it was opened: of this
    process and all that it has started, on top of what the status named then. What was
    done again after a kill counts twice, as it was spent twice.

    Args:
      state: one of the four.
      counts: of the newest checkpoint, or a snapshot, which names `saved_steps` too.
      error: what went wrong, if anything did.
    """
    status = {
      'state': state,
      'actor_steps': counts.get('actor_steps', 0),
      'learner_steps': counts.get('learner_steps', 0),
      'saved_steps': counts.get('saved_steps', counts.get('actor_steps', 0)),
      'cpu_seconds': round(self._cpu_seconds_offset + tree_cpu_seconds(), 2),
      'restarts': self.count_restarts(),
      'error': error,
    }
    if counts.get('warning'):
      status['warning'] = counts['warning']
    text = to_json(status) + '\n'
    try:
      write_atomically(self.status, text)
    except OSError as error:
      if not (is_disk_full(error) and self.status.exists()):
        raise
      overwrite(self.status, text)

  def read_status(self) -> dict[str, Any]:
    """Returns what `write_status` has written; nothing before the first time.

    A run that says that it is running, while no process trains in its folder, has died.

    Raises:
      UserError: it is damaged; the run can go on without it.
    """
    try:
      status = self._whole_status()
    except UserError as error:
      raise UserError(f'{error}: delete it, and the run goes on without it') from error
    if status.get('state') == 'running' and not self.is_held():
      status['state'] = DIED
    return status

  def _whole_status(self) -> dict[str, Any]:
    """Returns what the file says; raises UserError if it is damaged."""
    status = read_json(self.status) if self.status.exists() else {}
    for name, kinds in _STATUS.items():
      value = status.get(name)
      is_finite = not isinstance(value, float) or math.isfinite(value)
      if name in status and not (isinstance(value, kinds) and is_finite):
        raise unreadable(self.status, ValueError(f'{name} is {value!r}'))
    return status

  def is_finished(self, steps: int) -> bool:
    """Returns whether the status says that there is nothing left to do.

    Args:
      steps: that are asked for now.
    """
    status = self.read_status()
    return status.get('state') == 'finished' and status.get('actor_steps', 0) >= steps

  def append_start(self, start: dict[str, Any]) -> None:
    """Records how, on what and with which versions a part of the run was started."""
    append_line(self.starts, to_json(start))

  def append_fault(self, what: str, node: str, error: str) -> None:
    """Records what was done about a part of the run that died or stood still.

    Args:
      what: 'node restart', 'run restart' or 'stall'.
      node: title of the part, for example 'actor/0'.
      error: one line on what it died of.
    """
    now = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds')
    fault = {'time': now, 'what': what, 'node': node, 'error': error}
    with lost_on_full_disk():
      append_line(self.faults, to_json(fault))

  def count_restarts(self) -> int:
    """Returns how often a part of the run, or all of it, was started again."""
    faults = read_records(self.faults, 'what')
    return sum(fault['what'] != 'stall' for fault in faults)
