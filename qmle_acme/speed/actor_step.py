"""What the parts of an actor step cost, in the real loop on a real replay server."""

import contextlib
import dataclasses
from collections.abc import Iterator
from typing import Any

import acme
import reverb

from qmle_acme import environments
from qmle_acme.agents import Actor
from qmle_acme.agents.qmle import QMLEBuilder
from qmle_acme.environments.checked import Checked
from qmle_acme.runs import factory, loop
from qmle_acme.runs.config import RunConfig
from qmle_acme.speed import processes, serving
from qmle_acme.speed.timing import Part, Stopwatch

SEED = 1
_WARM_UP_STEPS = 50
# Steps measured for each repetition of what is measured otherwise: they are short.
_STEPS_PER_REPETITION = 20


def measure(task: str, repetitions: int) -> Iterator[dict[str, Any]]:
  """Yields the cost of each part of a step on a task."""
  with acting(task) as (config, actor):
    steps = repetitions * _STEPS_PER_REPETITION
    watch = _run(environments.make(config.env, SEED), actor, steps)
    yield {'task': task, 'threads': 1, 'steps': steps, 'parts': watch.costs()}


@contextlib.contextmanager
def acting(task: str) -> Iterator[tuple[RunConfig, Actor]]:
  """Gives an actor of a task, which adds to a real replay server, and its settings.

  They are the defaults, but for epsilon: every decision is an arg max. The variables
  come from a learner in the same process.
  """
  config = serving.default_config(task)
  qmle = dataclasses.replace(config.qmle, epsilon=0.0)
  builder = QMLEBuilder(qmle, factory.make_spec(config))
  learner = builder.make_learner(iter(()), '', SEED, write_metrics=lambda _: None)
  with processes.start(serving.serve, task, threads=1) as server:
    client = reverb.Client(f'localhost:{server.receive()}')
    yield config, builder.make_actor(learner, client, SEED)


def _run(environment: Checked, actor: acme.Actor, steps: int) -> Stopwatch:
  """Returns what the parts of so many steps have taken, after a warm-up."""
  watch = Stopwatch()
  count = 0

  def after_step() -> None:
    nonlocal count
    count += 1
    watch.lap('whole step')
    if count == _WARM_UP_STEPS:
      watch.forget()
    if count == _WARM_UP_STEPS + steps:
      raise loop.RunOver

  unchecked = environment.unchecked  # `environment` less this are the checks.
  for name, owner, method in (
    ('environment, unchecked', unchecked, 'step'),
    ('decision', actor, 'select_action'),
    ('environment', environment, 'step'),
    ('adder', actor, 'observe'),
    ('variables', actor, 'update'),
  ):
    setattr(owner, method, watch.timed(name, Part(getattr(owner, method))))
  loop.run_episodes(
    environment,
    actor,
    after_step=[lambda: actor.update(), after_step],
    write_episode=lambda _: None,
  )
  return watch
