"""The sections of a measurement, and the settings that choose among them."""

import dataclasses
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Literal

from qmle_acme import environments
from qmle_acme.errors import UserError, check_positive, check_range
from qmle_acme.runs import machine
from qmle_acme.runs.config import RunConfig
from qmle_acme.speed import (
  actor_step,
  agreement,
  learner_step,
  processes,
  replay_memory,
  runs,
  scoring,
)

Section = Literal['scoring', 'agreement', 'learner', 'actor', 'replay', 'runs']


@dataclasses.dataclass(frozen=True)
class SpeedConfig:
  """Settings of a measurement."""

  out: Path = Path('speed.json')
  """File to write."""
  sections: tuple[Section, ...] = typing.get_args(Section)
  """What to measure."""
  tasks: tuple[str, ...] = ('control:walker:walk', 'control:dog:walk')
  """Environments of learner, actor and runs; replay takes the first."""
  trained: tuple[Path, ...] = ()
  """Folders of QMLE runs, on whose networks the compiled arg max is checked."""
  layouts: tuple[Literal['distributed', 'local'], ...] = ('distributed', 'local')
  """Layouts of the whole runs."""
  actors: tuple[int, ...] = (1, 2, 4)
  """Actors of the whole runs in the distributed layout."""
  seconds: float = 30.0
  """Length of the window of a whole run, after its warm-up."""
  repetitions: int = 15
  """Repetitions of what is measured part by part."""
  rows: int = 200_000
  """Transitions written to measure the memory of replay."""

  def __post_init__(self) -> None:
    """Checks every field.

    Raises:
      UserError: a value lies outside its range; the message names it.
    """
    for name in ('sections', 'tasks', 'layouts', 'actors'):
      if not getattr(self, name):
        raise UserError(f'{name} is empty: name at least one')
    if self.sections == ('agreement',) and not self.trained:
      raise UserError('agreement needs trained runs: name their folders with --trained')
    check_range('actors', min(self.actors), 1)
    check_range('repetitions', self.repetitions, 1)
    # Replay holds 1,000,000, and a fifth more than these rows is written.
    check_range('rows', self.rows, 1_000, 800_000)
    check_positive('seconds', self.seconds)


def measure(config: SpeedConfig) -> Iterator[tuple[str, Any]]:
  """Yields on what is measured, then each section's name with what it has measured.

  Raises:
    UserError: a task is not known, or a trained run cannot be used.
  """
  for task in config.tasks:
    environments.make(task, seed=0).close()
  for run in config.trained:
    agreement.check(str(run))
  yield 'machine', machine.describe()
  for section in config.sections:
    yield section, _SECTIONS[section](config)


def _measure_scoring(config: SpeedConfig) -> dict[str, Any]:
  return processes.call(scoring.measure, config.repetitions, threads=1)


def _measure_agreement(config: SpeedConfig) -> list[dict[str, Any]]:
  return [
    processes.call(agreement.measure, str(run), threads=1) for run in config.trained
  ]


def _measure_learner(config: SpeedConfig) -> list[dict[str, Any]]:
  threads = RunConfig(run=config.out).learner_threads
  return [
    processes.call(learner_step.measure, task, config.repetitions, threads=threads)
    for task in config.tasks
  ]


def _measure_actor(config: SpeedConfig) -> list[dict[str, Any]]:
  return [
    processes.call(actor_step.measure, task, config.repetitions, threads=1)
    for task in config.tasks
  ]


def _measure_replay(config: SpeedConfig) -> dict[str, Any]:
  return processes.call(replay_memory.measure, config.tasks[0], config.rows, threads=1)


def _measure_runs(config: SpeedConfig) -> list[dict[str, Any]]:
  return [
    runs.measure(task, layout, actors, config.seconds)
    for task in config.tasks
    for layout in config.layouts
    # The local layout acts by itself.
    for actors in (config.actors if layout == 'distributed' else (1,))
  ]


_SECTIONS: dict[Section, Callable[[SpeedConfig], Any]] = {
  'scoring': _measure_scoring,
  'agreement': _measure_agreement,
  'learner': _measure_learner,
  'actor': _measure_actor,
  'replay': _measure_replay,
  'runs': _measure_runs,
}
