"""The sections of a measurement."""

from collections.abc import Callable, Iterator
from typing import Any

from qmle_acme import environments
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
  traffic,
)
from qmle_acme.speed.config import Section, SpeedConfig


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


def _measure_traffic(config: SpeedConfig) -> list[dict[str, Any]]:
  return [
    processes.call(traffic.measure, task, config.repetitions, threads=1)
    for task in config.tasks
  ]


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
  'traffic': _measure_traffic,
  'runs': _measure_runs,
}
