"""Evaluation: greedy episodes, tied to the steps that the actors have taken."""

import math
import statistics
import threading
from collections.abc import Callable
from typing import Any

import acme
import dm_env
from acme.utils import loggers

from qmle_acme.agents import Actor
from qmle_acme.runs import best_checkpoint, videos
from qmle_acme.runs.loop import ReturnObserver, RunOver, StepObserver
from qmle_acme.runs.recording import Recorder
from qmle_acme.runs.records import ACTOR_STEPS, LEARNER_STEPS


def evaluate(
  actor: Actor,
  environment: dm_env.Environment,
  episodes: int,
  stop: threading.Event,
  write_episode: Callable[[dict[str, float]], None] = lambda _: None,
) -> list[float]:
  """Returns the undiscounted returns of some episodes.

  Args:
    actor: a greedy one.
    environment: a new one, so that a seed gives the same initial states each time.
    episodes: how many.
    stop: gives up as soon as it is set.
    write_episode: receives what the actor says of each episode.

  Raises:
    RunOver: it was.
  """

  def check() -> None:
    if stop.is_set():
      raise RunOver

  loop = acme.EnvironmentLoop(
    environment,
    actor,
    logger=loggers.NoOpLogger(),
    should_update=False,
    observers=[ReturnObserver(), StepObserver(check)],
  )
  returns = []
  for _ in range(episodes):
    returns.append(loop.run_episode()['episode_return'])
    write_episode(actor.episode_record())
  return returns


class Evaluator:
  """Evaluates whenever the actors have taken another `period` steps."""

  def __init__(
    self,
    actor: Actor,
    make_environment: Callable[[], dm_env.Environment],
    recorder: Recorder,
    period: int,
    episodes: int,
    stop: threading.Event,
    render_every: int = 0,
  ):
    """Initialises.

    Args:
      actor: a greedy one.
      make_environment: returns a new environment, always with the same seed.
      recorder: of the run, or a client of it.
      period: actor steps between evaluations.
      episodes: in each evaluation.
      stop: gives up as soon as it is set.
      render_every: actor steps between videos, each after an evaluation; 0 is none.
    """
    self._actor = actor
    self._make_environment = make_environment
    self._recorder = recorder
    self._period = period
    self._episodes = episodes
    self._stop = stop
    self._render_every = render_every
    self._last: dict[str, Any] | None = recorder.last_evaluation()

  def evaluate_if_due(self, actor_steps: int) -> None:
    """Evaluates, unless it was done since the last multiple of `period` steps."""
    last = -1 if self._last is None else self._last[ACTOR_STEPS] // self._period
    if actor_steps // self._period > last:
      self._evaluate(self._recorder.get_counts())

  def evaluate_finally(self) -> None:
    """Evaluates the final variables, unless that was done."""
    counts = self._recorder.get_counts()
    names = (ACTOR_STEPS, LEARNER_STEPS)
    if self._last is None or any(self._last[n] != counts.get(n, 0) for n in names):
      self._evaluate(counts)

  def _evaluate(self, counts: dict[str, float]) -> None:
    self._actor.update(wait=True)
    records: list[dict[str, float]] = []
    with self._make_environment() as environment:
      returns = evaluate(
        self._actor, environment, self._episodes, self._stop, records.append
      )
    self._keep_if_best(counts, statistics.fmean(returns))
    self._recorder.record_evaluation(counts, returns, _means(records))
    self._last = {name: counts.get(name, 0) for name in (ACTOR_STEPS, LEARNER_STEPS)}
    self._render_if_due(int(counts.get(ACTOR_STEPS, 0)))

  def _render_if_due(self, actor_steps: int) -> None:
    """Makes a video, unless it was done since the last multiple of its period.

    One that cannot be made is a warning: the run goes on.
    """
    period = self._render_every
    if not period or actor_steps // period <= self._recorder.last_video() // period:
      return

    def check() -> None:
      if self._stop.is_set():
        raise RunOver

    try:
      with self._make_environment() as environment:
        data = videos.record(environment, self._actor.select_action, check)
    except RunOver:
      raise
    except Exception as error:  # Whatever a renderer raises.
      self._recorder.warn(f'no video of step {actor_steps:,}: {error}')
    else:
      self._recorder.keep_video(actor_steps, data)

  def _keep_if_best(self, counts: dict[str, float], mean: float) -> None:
    """Keeps what has acted, before the records name its return as the best."""
    best = self._recorder.best_return()
    if not math.isnan(mean) and (best is None or mean > best):
      self._recorder.keep_best(counts, mean, best_checkpoint.pack(self._actor.parts))


def _means(records: list[dict[str, float]]) -> dict[str, float]:
  """Returns the means of what Q promised and what came, if the agent knows them."""
  return {
    f'{name}_mean': statistics.fmean(record[name] for record in records)
    for name in ('q_start', 'discounted_return')
    if all(name in record for record in records)
  }
