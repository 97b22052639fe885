"""An agent that learns in this process: the local layout, without a run folder."""

import contextlib
import statistics
import time
from collections.abc import Callable
from typing import Any

import dm_env
import reverb

from qmle_acme.agents import AgentBuilder
from qmle_acme.experiments.study import Record
from qmle_acme.runs import loop
from qmle_acme.runs.batches import Batches
from qmle_acme.runs.pace import Pace
from qmle_acme.types import Array

# Receives the environment steps taken so far.
AfterStep = Callable[[int], None]

_TIMED_CALLS = 30


class Training:
  """An agent with its replay server.

  Attributes:
    learner: of the agent.
    actor: explores, and fills replay.
    greedy: acts for evaluations.
  """

  def __init__(self, builder: AgentBuilder, seed: int):
    """Initialises.

    Args:
      builder: of the agent.
      seed: of networks, candidates and exploration.
    """
    self._builder = builder
    self._server = reverb.Server(
      builder.make_tables(reverb.rate_limiters.MinSize(1)), port=None
    )
    self._client = self._server.localhost_client()
    address = self._client.server_address
    self._batches = Batches(builder.make_dataset(address))
    self.learner = builder.make_learner(
      self._batches, address, seed, write_metrics=lambda _: None
    )
    self.actor = builder.make_actor(self.learner, self._client, seed)
    self.greedy = builder.make_actor(self.learner, None, seed)

  def run(
    self, environment: dm_env.Environment, steps: int, after_step: AfterStep
  ) -> None:
    """Takes environment steps, and the learner steps that are due after each.

    Afterwards there are no more batches to learn from.

    Args:
      environment: to learn in.
      steps: how many.
      after_step: called after each.
    """
    taken = 0
    pace = Pace(self._builder, self.learner, self._client)

    def count() -> None:
      nonlocal taken
      taken += 1
      while pace.is_due(taken):
        self.learner.step()
      self.actor.update(wait=True)
      after_step(taken)
      if taken == steps:
        raise loop.RunOver

    with contextlib.closing(self._batches):
      loop.run_episodes(environment, self.actor, [count], write_episode=lambda _: None)

  def costs(self, observation: Array) -> Record:
    """Returns the milliseconds of CPU time of a greedy decision and a learner step.

    They are medians, of the whole process: replay's threads are part of it.

    Args:
      observation: [O], to decide on.
    """
    return {
      'decision_ms': _cpu_ms(lambda: self.greedy.select_action(observation)),
      'learner_step_ms': _cpu_ms(self.learner.step),
    }


def _cpu_ms(function: Callable[[], Any]) -> float:
  times = []
  for _ in range(_TIMED_CALLS):
    start = time.process_time()
    function()
    times.append(1e3 * (time.process_time() - start))
  return round(statistics.median(times), 3)
