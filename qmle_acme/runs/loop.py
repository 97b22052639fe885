"""Acme's environment loop, with what a run needs to watch in it."""

import contextlib
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import acme
import dm_env
from acme.utils import loggers
from acme.utils.observers import EnvLoopObserver

from qmle_acme.agents import Actor
from qmle_acme.runs.counting import Counter
from qmle_acme.runs.records import ACTOR_STEPS
from qmle_acme.types import Array

# A slow environment reports its steps by time, so that all can see that it lives.
_REPORT_SECONDS = 5.0

# Says by the run's counts whether it is over for a node.
IsOver = Callable[[Mapping[str, float]], bool]


class RunOver(Exception):
  """Leaves the environment loop: the run has its steps, or was asked to stop."""


class StepObserver(EnvLoopObserver):
  """Calls a function after each environment step."""

  def __init__(self, after_step: Callable[[], None]):
    self._after_step = after_step

  def observe_first(self, env: dm_env.Environment, timestep: dm_env.TimeStep) -> None:
    """Does nothing: a reset is no step."""

  def observe(
    self, env: dm_env.Environment, timestep: dm_env.TimeStep, action: Array
  ) -> None:
    """Calls the function."""
    self._after_step()

  def get_metrics(self) -> dict[str, Any]:
    """Adds nothing to the episode's record."""
    return {}


class ReturnObserver(EnvLoopObserver):
  """Adds up rewards in double precision; Acme's loop does in that of the rewards."""

  def observe_first(self, env: dm_env.Environment, timestep: dm_env.TimeStep) -> None:
    """Begins an episode."""
    self._return = 0.0

  def observe(
    self, env: dm_env.Environment, timestep: dm_env.TimeStep, action: Array
  ) -> None:
    """Adds the reward of a step."""
    self._return += float(timestep.reward)

  def get_metrics(self) -> dict[str, Any]:
    """Takes the place of the loop's own return."""
    return {'episode_return': self._return}


class StepBudget:
  """Counts the steps of one node, and says when the run is over."""

  def __init__(
    self,
    counter: Counter,
    source: str,
    name: str,
    is_over: IsOver,
    period: int,
    stop: threading.Event,
  ):
    """Initialises.

    Args:
      counter: of the run.
      source: of the steps, for example 'actor/0'; it goes on from its last report.
      name: of what is counted here, for example 'learner_steps'.
      is_over: says by the counts whether the node is to end.
      period: steps between reports to the counter, at most.
      stop: ends the run as soon as it is set.
    """
    self._counter = counter
    self._source = source
    self._name = name
    self._is_over = is_over
    self._period = period
    self._stop = stop
    self._taken = self._reported = counter.reported(source)
    self._reported_at = time.monotonic()

  def count(self) -> None:
    """Counts one step.

    Raises:
      RunOver: the run is over for this node, or a stop was asked for.
    """
    self._taken += 1
    is_due = self._taken - self._reported >= self._period
    is_late = time.monotonic() - self._reported_at >= _REPORT_SECONDS
    if is_due or is_late or self._stop.is_set():
      self.check()

  def check(self) -> None:
    """Reports the steps counted so far; raises as `count` does."""
    self._reported, self._reported_at = self._taken, time.monotonic()
    counts = self._counter.report(self._source, self._name, self._taken)
    if self._stop.is_set() or self._is_over(counts):
      raise RunOver


def actors_have_taken(total: int) -> IsOver:
  """Returns what ends an actor: that all of them together have taken so many steps."""
  return lambda counts: counts.get(ACTOR_STEPS, 0) >= total


def run_episodes(
  environment: dm_env.Environment,
  actor: Actor,
  after_step: Sequence[Callable[[], None]],
  write_episode: Callable[[dict[str, float]], None],
) -> None:
  """Runs episodes until a function raises RunOver; the last one stays unfinished.

  Args:
    environment: to act in.
    actor: acts and observes; that it fetches variables is up to `after_step`.
    after_step: called in order after each step.
    write_episode: receives return and length of each finished episode, and what the
      actor says of it.
  """
  loop = acme.EnvironmentLoop(
    environment,
    actor,
    logger=loggers.NoOpLogger(),
    should_update=False,
    observers=[ReturnObserver(), *map(StepObserver, after_step)],
  )
  with contextlib.suppress(RunOver):
    while True:
      result = loop.run_episode()
      write_episode(
        {
          'episode_return': result['episode_return'],
          'episode_length': int(result['episode_length']),
          **actor.episode_record(),
        }
      )
