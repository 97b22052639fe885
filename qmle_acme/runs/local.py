"""The local layout: one process, with the Reverb server in it.

Learner steps are taken between environment steps by a ratio counter, so nothing waits
for anything. All that is ours is a function of the seed; Reverb's sampling is not.
"""

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator
from typing import Any

import acme
import reverb

from qmle_acme.agents import AgentBuilder, TFLearner, divergence
from qmle_acme.runs import (
  checkpointing,
  evaluation,
  factory,
  inspection,
  loop,
  replay_checkpoints,
)
from qmle_acme.runs.activity import SAVING, Activity
from qmle_acme.runs.batches import Batches
from qmle_acme.runs.config import RunConfig
from qmle_acme.runs.factory import Role
from qmle_acme.runs.pace import Pace
from qmle_acme.runs.recording import Recorder
from qmle_acme.runs.records import ACTOR_STEPS, LEARNER_STEPS
from qmle_acme.runs.run_folder import RunFolder

# Receives how the run stands, and a client of its replay.
Watch = Callable[[dict[str, Any], reverb.Client], None]


def run(
  config: RunConfig,
  spec: acme.specs.EnvironmentSpec,
  folder: RunFolder,
  stop: threading.Event,
  activity: Activity,
  watch: Watch,
) -> None:
  """Trains in this process until the steps are taken or `stop` is set.

  Args:
    config: settings of the run.
    spec: of its environment.
    folder: of the run, opened.
    stop: ends the run with a checkpoint.
    activity: told what is being done.
    watch: called after each step.
  """
  builder = factory.make_builder(config, spec)
  (table,) = builder.make_tables(reverb.rate_limiters.MinSize(1))
  checkpointer = replay_checkpoints.make_checkpointer(folder, table)
  server = reverb.Server([table], port=None, checkpointer=checkpointer)
  client = server.localhost_client()
  recorder = Recorder(str(folder.path))
  batches = Batches(builder.make_dataset(client.server_address))
  learner = builder.make_learner(
    batches,
    client.server_address,
    factory.make_seed(config, Role.LEARNER),
    functools.partial(recorder.record_metrics, 'learner'),
  )
  saver = checkpointing.Checkpointer(
    folder, learner, recorder, client, config.checkpoint_minutes
  )
  saver.restore()
  start = recorder.resumed_at()
  seed = factory.make_seed(config, Role.ACTOR, start=start)
  actor = builder.make_actor(learner, client, seed)
  evaluator = _make_evaluator(config, builder, learner, recorder, stop, activity)
  pace = Pace(builder, learner, client, start)

  def after_step() -> None:
    steps = recorder.increment(**{ACTOR_STEPS: 1})[ACTOR_STEPS]
    while pace.is_due(steps):
      learner.step()
      recorder.increment(**{LEARNER_STEPS: 1})
    actor.update(wait=True)
    evaluator.evaluate_if_due(steps)
    with activity.of(SAVING):
      saver.save_if_due()
    watch(recorder.snapshot(), client)
    if stop.is_set() or steps >= config.steps:
      raise loop.RunOver

  def save() -> None:
    learner.write_metrics()
    with activity.of(SAVING):
      saver.save()
    recorder.flush()

  with (
    inspection.kept_divergence(folder, learner),
    _saved_if_it_fails(save, recorder, stop),
    contextlib.closing(batches),
    contextlib.suppress(loop.RunOver),
  ):
    evaluator.evaluate_if_due(start)
    if start < config.steps:
      with factory.make_watched_environment(config, seed, activity) as environment:
        loop.run_episodes(
          environment,
          actor,
          after_step=[after_step],
          write_episode=functools.partial(recorder.record_metrics, 'actor'),
        )
    if not stop.is_set():
      evaluator.evaluate_finally()
  save()


@contextlib.contextmanager
def _saved_if_it_fails(
  save: Callable[[], None], recorder: Recorder, stop: threading.Event
) -> Iterator[None]:
  """Saves when an environment fails within; of a diverged learner the records alone."""
  try:
    yield
  except divergence.Diverged:
    recorder.flush()
    raise
  except BaseException as error:
    # Of a person, it is the second one, who does not want to wait.
    is_in_a_hurry = isinstance(error, KeyboardInterrupt) and stop.is_set()
    if not is_in_a_hurry:
      save()
    raise


def _make_evaluator(
  config: RunConfig,
  builder: AgentBuilder,
  learner: TFLearner,
  recorder: Recorder,
  stop: threading.Event,
  activity: Activity,
) -> evaluation.Evaluator:
  """Returns the evaluator, which acts with the learner's own variables."""
  seed = factory.make_seed(config, Role.EVALUATOR)
  return evaluation.Evaluator(
    actor=builder.make_actor(learner, None, seed),
    make_environment=functools.partial(
      factory.make_watched_environment, config, seed, activity
    ),
    recorder=recorder,
    period=config.evaluation_period,
    episodes=config.evaluation_episodes,
    stop=stop,
    render_every=config.render_every,
  )
