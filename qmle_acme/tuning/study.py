"""A study: trials, each a `qmle train` of its own in a folder of its own.

All is in one folder. Trials are in `study.journal`, a file of Optuna's that its
dashboard reads, too. A study that is stopped or killed goes on with the same command,
and a trial that was cut off goes on from its checkpoint.
"""

import contextlib
import dataclasses
import math
import pathlib
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

import optuna
import yaml
from optuna.storages.journal import JournalFileBackend
from optuna.trial import FrozenTrial, TrialState

from qmle_acme import locks, processes
from qmle_acme.errors import UserError
from qmle_acme.files import (
  check_is_meant,
  make_folder,
  refused_if_not_written,
  write_atomically,
)
from qmle_acme.runs import config as config_lib
from qmle_acme.runs.config import RunConfig
from qmle_acme.runs.evaluations import read_evaluations
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.tuning.space import Space

_NAME, _JOURNAL = 'qmle', 'study.journal'
_POLL_SECONDS = 0.5
# In the study: what all trials have. In a trial: its number, that of its folder, which
# it keeps when it was cut off and goes on as another of Optuna's; what went wrong.
_SETTINGS, _NUMBER, ERROR = 'settings', 'folder', 'error'
# Trials that are over, in the order in which a report has them.
OVER = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)


class Stopped(Exception):
  """A signal asked for a stop: the trial that was running has saved."""

  def __init__(self, signal: int):
    super().__init__(signal)
    self.signal = signal


@dataclasses.dataclass(frozen=True)
class Search:
  """A study that is to be run.

  Attributes:
    out: its folder.
    space: what is searched.
    base: settings of every trial, but for what is searched.
    trials: in all, those of earlier times included.
    seed: of the sampler.
  """

  out: pathlib.Path
  space: Space
  base: RunConfig
  trials: int
  seed: int


@contextlib.contextmanager
def open_study(search: Search) -> Iterator[optuna.Study]:
  """Yields the study in a folder, made if there is none, which no other process has.

  Raises:
    UserError: the folder holds something else, a study of another space or other
      settings, or one that is under way; or there is no writing in it.
  """
  check_is_meant(search.out, 'study', (_JOURNAL,))
  make_folder(search.out)
  with locks.lock(search.out, 'qmle tune'):
    with refused_if_not_written(search.out):
      study = _load(search)
    yield study


def _load(search: Search) -> optuna.Study:
  """Returns the study in a folder that is held."""
  backend = JournalFileBackend(str(search.out / _JOURNAL))
  optuna.logging.set_verbosity(optuna.logging.WARNING)
  study = optuna.create_study(
    storage=optuna.storages.JournalStorage(backend),
    study_name=_NAME,
    load_if_exists=True,
    direction='maximize',
    pruner=optuna.pruners.MedianPruner(n_startup_trials=4, n_warmup_steps=1),
  )
  # Or a study that goes on would draw what it has drawn before.
  begun = len(study.trials)
  study.sampler = optuna.samplers.TPESampler(seed=(search.seed + begun) % 2**32)
  own = {'space': dict(search.space.data), 'run': config_lib.to_dict(search.base)}
  before = study.user_attrs.get(_SETTINGS)
  if before is None:
    study.set_user_attr(_SETTINGS, own)
  elif changes := _changes(before, own):
    raise UserError(
      f'{search.out} holds a study of other settings ({"; ".join(changes)}): use these '
      'again, or another --run'
    )
  return study


def _changes(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
  """Returns what differs between settings, but for what goes by a machine's cores."""
  lines = config_lib.differences(before, now)
  of_machine = ('run.actors:', 'run.learner_threads:')
  return [line for line in lines if not line.startswith(of_machine)]


def run(search: Search, study: optuna.Study, say: Callable[[str], None]) -> None:
  """Runs the trials that are left; must be called from the main thread.

  Args:
    search: what is searched.
    study: of `open_study`.
    say: shows a line.

  Raises:
    Stopped: by a signal; the same again goes on.
  """
  with processes.recorded_signals() as received:
    _enqueue_cut_off(study)
    while _count(study) < search.trials:
      free = _free_number(study)
      trial = study.ask()
      number = trial.user_attrs.get(_NUMBER, free)
      trial.set_user_attr(_NUMBER, number)
      say(f'trial {number} trains in {folder_of(search, number).path}')
      try:
        value = _run_trial(search, trial, number, received)
      except optuna.TrialPruned:
        study.tell(trial, state=TrialState.PRUNED)
      except UserError as error:
        trial.set_user_attr(ERROR, str(error))
        study.tell(trial, state=TrialState.FAIL)
      else:
        study.tell(trial, value)
      say(f'{_count(study)} of {search.trials}: {describe(study.trials[trial.number])}')


def describe(trial: FrozenTrial) -> str:
  """Returns a line on how a trial ended."""
  what = trial.user_attrs.get(ERROR) or trial.state.name.lower()
  values = trial.intermediate_values
  last = f', return {values[max(values)]:,.6g}' if values else ''
  return f'trial {number_of(trial)}: {what}{last}'


def number_of(trial: FrozenTrial) -> int:
  """Returns the number of a trial that has begun, which is that of its folder."""
  number: int = trial.user_attrs[_NUMBER]
  return number


def completed(study: optuna.Study) -> list[FrozenTrial]:
  """Returns the trials that have come to their end."""
  return study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))


def settings_of(search: Search, trial: FrozenTrial) -> dict[str, Any]:
  """Returns the settings that a trial has drawn."""
  return search.space.suggest(optuna.trial.FixedTrial(trial.params))


def folder_of(search: Search, number: int) -> RunFolder:
  """Returns the run folder of a trial, by its number."""
  return RunFolder(search.out / 'trials' / f'{number:04}')


def file_of(search: Search, number: int) -> pathlib.Path:
  """Returns the file with all settings of a trial, beside its run folder."""
  return search.out / 'trials' / f'{number:04}.yaml'


def _count(study: optuna.Study) -> int:
  """Returns the number of trials that are over; one that goes on counts once."""
  return len(study.get_trials(deepcopy=False, states=OVER[:2])) + sum(
    ERROR in trial.user_attrs for trial in study.get_trials(False, (TrialState.FAIL,))
  )


def _free_number(study: optuna.Study) -> int:
  """Returns the number of the next trial that is new."""
  taken = [t.user_attrs.get(_NUMBER, -1) for t in study.get_trials(deepcopy=False)]
  return max(taken, default=-1) + 1


def _enqueue_cut_off(study: optuna.Study) -> None:
  """Has the trials that a kill has cut off run again, in the folders that they have."""
  for trial in study.get_trials(states=(TrialState.RUNNING,)):
    study.tell(trial.number, state=TrialState.FAIL)
    kept = {k: v for k, v in trial.user_attrs.items() if k == _NUMBER}
    study.enqueue_trial(trial.params, user_attrs=kept)


def _run_trial(
  search: Search, trial: optuna.Trial, number: int, received: list[int]
) -> float:
  """Returns the mean return of the last evaluation.

  Raises:
    UserError: the settings cannot be used together, or the run has failed.
    TrialPruned: it is worse than the median of the others, so far.
    Stopped: by a signal.
  """
  settings = search.space.suggest(trial)
  folder = folder_of(search, number)
  config = config_lib.overlay(search.base, settings, 'its settings')
  folder.path.parent.mkdir(parents=True, exist_ok=True)
  file = file_of(search, number)
  write_atomically(file, yaml.safe_dump(config_lib.to_dict(config), sort_keys=False))
  output = folder.path.with_suffix('.out')
  told = -1
  with _training(['--config', str(file), '--run', str(folder.path)], output) as process:
    while process.poll() is None:
      if received:
        _stop(process)
        raise Stopped(received[0])
      told = _tell(trial, folder, told)
      if trial.should_prune():
        _stop(process)
        raise optuna.TrialPruned
      time.sleep(_POLL_SECONDS)
  _tell(trial, folder, told)
  if process.returncode:
    raise UserError(_last_line(output) or f'exit code {process.returncode}')
  value = read_evaluations(folder)[-1].episode_return_mean
  if math.isnan(value):
    raise UserError('its return is no finite number')
  return value


def _tell(trial: optuna.Trial, folder: RunFolder, told: int) -> int:
  """Reports the evaluations that are new; returns the number of the last one."""
  evaluations = read_evaluations(folder)
  for index in range(told + 1, len(evaluations)):
    value = evaluations[index].episode_return_mean
    if math.isfinite(value):
      trial.report(value, index)
  return len(evaluations) - 1


@contextlib.contextmanager
def _training(
  arguments: list[str], output: pathlib.Path
) -> Iterator[subprocess.Popen[bytes]]:
  """Yields a `qmle train`, which ends with this block, whatever happens in it."""
  process = processes.start_qmle(['train', *arguments], output)
  try:
    yield process
  finally:
    if process.poll() is None:
      process.kill()
      processes.kill_group(process.pid)
      process.wait()


def _stop(process: subprocess.Popen[bytes]) -> None:
  """Has a run save and stop, and waits for that."""
  process.send_signal(signal.SIGTERM)
  process.wait()


def _last_line(output: pathlib.Path) -> str:
  lines = output.read_text(errors='replace').splitlines()
  return next((line.strip() for line in reversed(lines) if line.strip()), '')
