r"""The distributed layout: a Launchpad program.

    actors --rows--> replay --batches--> learner --variables--> actors, evaluator
      \______________ counter: counts and records ______________/
                        argmax <--o_t, cached actions-- learner

Many actors get their variables from a publisher, which gets them from the learner.
Samples per insert are held by Reverb's rate limiter. Nodes are built from settings and
handles alone: nothing in them assumes that they share a machine, but for replay and
learner, whose checkpoints go to the run folder, and the counter, whose records do.
"""

import atexit
import contextlib
import functools
import gc
import os
from collections.abc import Mapping, Sequence
from typing import Any, cast

import acme
import courier
import launchpad as lp
import reverb
from reverb.platform.checkpointers_lib import DefaultCheckpointer

from qmle_acme import replay
from qmle_acme.agents import AgentBuilder
from qmle_acme.runs import (
  checkpointing,
  evaluation,
  factory,
  inspection,
  loop,
  replay_checkpoints,
)
from qmle_acme.runs.activity import SAVING, Activity
from qmle_acme.runs.batches import BatchQueue
from qmle_acme.runs.config import FaultsConfig, RunConfig
from qmle_acme.runs.factory import Role
from qmle_acme.runs.recording import Recorder
from qmle_acme.runs.records import ACTOR_STEPS, LEARNER_STEPS
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.topology.lasting_counter import LastingCounter
from qmle_acme.topology.plain_calls import PlainCalls
from qmle_acme.topology.publisher import Publisher
from qmle_acme.topology.restarts import Restarts
from qmle_acme.topology.supervision import Policy
from qmle_acme.types import Array

LEARNER = 'learner'
PUBLISHER = 'publisher'
ARGMAX = 'argmax'
_LEARNER_TITLE = f'{LEARNER}/0'
# The node whose return ends the run.
DONE = 'evaluator'
# The seconds that each label has to stop, in this order.
_PATIENCE = {
  'actor': 3.0,
  'evaluator': 2.0,
  PUBLISHER: 1.0,
  LEARNER: 60.0,  # Replay with it, which takes long on a machine that is busy.
  ARGMAX: 1.0,
  'counter': 1.0,
  'replay': 1.0,
}
# Counted by a node once it has taken its last step: the learner when that is saved, an
# actor under its own name.
_LEARNER_DONE = 'learner_done'
_ACTOR_DONE = 'actor_{}_done'
_ACTOR_REPORT_STEPS = 20
# Where actors share the learner's processor they fill the gaps that it leaves. They do
# not starve: without their steps it has to wait.
_ACTOR_NICENESS = 10
_LEARNER_REPORT_STEPS = 5
_DONE_SECONDS = 0.2
_EVALUATOR_POLL_SECONDS = 0.5

# A process would end by looking for garbage in all that TensorFlow has made: a second
# of CPU time for each node, of those that a run has to stop.
atexit.register(gc.freeze)


def make_program(
  config: RunConfig, spec: acme.specs.EnvironmentSpec, folder: RunFolder
) -> tuple[lp.Program, lp.CourierHandle, Any]:
  """Returns the program, and handles of counter and replay for those who watch it."""
  program = lp.Program('qmle')
  with program.group('replay'):
    node = lp.ReverbNode(
      functools.partial(_make_tables, config, spec),
      checkpoint_ctor=functools.partial(
        _make_replay_checkpointer, config, spec, folder
      ),
    )
    replay_handle = program.add_node(node)
  with program.group('counter'):
    counter_node = lp.CourierNode(Recorder, str(folder.path))
    counter = program.add_node(counter_node)
  with program.group(ARGMAX):
    argmax = [
      program.add_node(
        lp.CourierNode(
          make_argmax_server, config, spec, courier_kwargs={'thread_pool_size': 1}
        )
      )
      for _ in range(config.argmax_nodes)
    ]
  with program.group(LEARNER):
    learner = program.add_node(
      lp.CourierNode(Learner, config, spec, folder, replay_handle, counter, argmax)
    )
  source = learner
  if config.has_publisher:
    with program.group(PUBLISHER):
      source = program.add_node(lp.CourierNode(Publisher, learner))
  with program.group('actor'):
    for index in range(config.actors):
      program.add_node(
        lp.PyNode(run_actor, config, spec, index, source, replay_handle, counter)
      )
  with program.group('evaluator'):
    program.add_node(lp.PyNode(run_evaluator, config, spec, learner, counter))
  return program, counter_node.create_handle(), node.create_handle()


def make_policy(faults: FaultsConfig) -> Policy:
  """Returns what becomes of the program when nodes of it end.

  Actors, evaluator, publisher and arg max nodes keep nothing, and replay goes on from
  its newest checkpoint: they are started again alone. Learner and counter take all back
  to one.
  """
  return Policy(
    done=DONE,
    lasting=('counter', LEARNER),
    patience=_PATIENCE,
    saving=(LEARNER, 'replay'),
    restarts=Restarts(faults.node_restarts, 60.0 * faults.window_minutes),
  )


def make_rate_limiter(
  builder: AgentBuilder, actors: int
) -> reverb.rate_limiters.RateLimiter:
  """Returns the limiter that holds samples per insert.

  Its error buffer, in samples, has room for what the actors' writers hold back and for
  the batch that is under way; with less than that in it, both sides would wait for each
  other for ever. With more, what actors act by would lag behind what they have seen.
  """
  ratio = builder.samples_per_insert
  written = ratio * replay.MAX_IN_FLIGHT * actors
  drawn = builder.batch_size + replay.SAMPLES_IN_FLIGHT
  return reverb.rate_limiters.SampleToInsertRatio(
    ratio, builder.min_replay_size, error_buffer=written + drawn
  )


def _make_tables(
  config: RunConfig, spec: acme.specs.EnvironmentSpec
) -> list[reverb.Table]:
  builder = factory.make_builder(config, spec)
  return builder.make_tables(make_rate_limiter(builder, config.actors))


def _make_replay_checkpointer(
  config: RunConfig, spec: acme.specs.EnvironmentSpec, folder: RunFolder
) -> DefaultCheckpointer:
  (table,) = _make_tables(config, spec)
  return replay_checkpoints.make_checkpointer(folder, table)


def make_argmax_server(config: RunConfig, spec: acme.specs.EnvironmentSpec) -> Any:
  """Returns what an arg max node serves; it keeps nothing."""
  return factory.make_builder(config, spec).make_argmax_server()


class Learner:
  """The learner node: learns, serves variables, and saves the run."""

  def __init__(
    self,
    config: RunConfig,
    spec: acme.specs.EnvironmentSpec,
    folder: RunFolder,
    replay_client: reverb.Client,
    counter: courier.Client,
    argmax: Sequence[courier.Client] = (),
  ):
    """Builds the learner and resumes it, before any actor gets variables from it.

    Args:
      config: settings of the run.
      spec: of its environment.
      folder: of the run, for checkpoints.
      replay_client: of the replay server.
      counter: client of the recorder.
      argmax: clients of the arg max nodes.
    """
    builder = factory.make_builder(config, spec)
    self._counter = cast(Recorder, LastingCounter(counter))
    self._folder = folder
    self._stop = lp.stop_event()
    self._budget = loop.StepBudget(
      self._counter,
      _LEARNER_TITLE,
      LEARNER_STEPS,
      functools.partial(_are_actors_done, config.actors),
      _LEARNER_REPORT_STEPS,
      self._stop,
    )
    address = replay_client.server_address
    self._batches = BatchQueue(builder.make_dataset(address), self._budget.check)
    self._learner = builder.make_learner(
      self._batches,
      address,
      factory.make_seed(config, Role.LEARNER),
      functools.partial(self._counter.record_metrics, 'learner'),
      argmax,
    )
    self._checkpointer = checkpointing.Checkpointer(
      folder, self._learner, self._counter, replay_client, config.checkpoint_minutes
    )
    self._checkpointer.restore()

  def get_variables(self, names: list[str]) -> list[list[Array]]:
    """Returns the learner's variables, for actors and evaluator."""
    return self._learner.get_variables(names)

  def run(self) -> None:
    """Learns until all actors have ended or a stop is asked for."""
    activity = Activity()
    with (
      inspection.kept_divergence(self._folder, self._learner),
      activity.told(self._counter, _LEARNER_TITLE),
    ):
      with contextlib.suppress(loop.RunOver):
        while True:
          self._learner.step()
          self._budget.count()
          with activity.of(SAVING):
            self._checkpointer.save_if_due()
      self._learner.write_metrics()
      with activity.of(SAVING):
        self._checkpointer.save()
    # The evaluator still needs the variables.
    while not self._stop.wait(_DONE_SECONDS):
      self._counter.report(_LEARNER_DONE, _LEARNER_DONE, 1)


def run_actor(
  config: RunConfig,
  spec: acme.specs.EnvironmentSpec,
  index: int,
  source: acme.VariableSource,
  replay_client: reverb.Client,
  counter_client: courier.Client,
) -> None:
  """Runs an actor node until the run is over."""
  os.nice(_ACTOR_NICENESS)
  counter = cast(Recorder, PlainCalls(counter_client))
  source.get_variables([])  # Returns once the learner has resumed the counts.
  name = f'actor/{index}'
  # After a restart it does not live through the same episodes again.
  start = counter.resumed_at() + counter.reported(name)
  seed = factory.make_seed(config, Role.ACTOR, index, start)
  builder = factory.make_builder(config, spec)
  actor = builder.make_actor(source, replay_client, seed, index, config.actors)
  stop, activity = lp.stop_event(), Activity()
  budget = loop.StepBudget(
    counter,
    name,
    ACTOR_STEPS,
    loop.actors_have_taken(config.steps),
    _ACTOR_REPORT_STEPS,
    stop,
  )
  with activity.told(counter, name), contextlib.suppress(loop.RunOver):
    budget.check()
    with factory.make_watched_environment(config, seed, activity) as environment:
      loop.run_episodes(
        environment,
        actor,
        after_step=[budget.count, actor.update],
        write_episode=functools.partial(counter.record_metrics, 'actor'),
      )
  if not stop.is_set():
    done = _ACTOR_DONE.format(index)
    counter.report(done, done, 1)


def _are_actors_done(actors: int, counts: Mapping[str, float]) -> bool:
  """Returns whether all actors have ended, and so reported all of their steps."""
  return all(_ACTOR_DONE.format(index) in counts for index in range(actors))


def run_evaluator(
  config: RunConfig,
  spec: acme.specs.EnvironmentSpec,
  learner: acme.VariableSource,
  counter_client: courier.Client,
) -> None:
  """Runs the evaluator node; returns after the final evaluation."""
  counter = cast(Recorder, PlainCalls(counter_client))
  seed = factory.make_seed(config, Role.EVALUATOR)
  actor = factory.make_builder(config, spec).make_actor(learner, None, seed)
  stop, activity = lp.stop_event(), Activity()
  evaluator = evaluation.Evaluator(
    actor=actor,
    make_environment=functools.partial(
      factory.make_watched_environment, config, seed, activity
    ),
    recorder=counter,
    period=config.evaluation_period,
    episodes=config.evaluation_episodes,
    stop=stop,
    render_every=config.render_every,
  )
  with activity.told(counter, f'{DONE}/0'), contextlib.suppress(loop.RunOver):
    while not stop.wait(_EVALUATOR_POLL_SECONDS):
      counts = counter.get_counts()
      if counts.get(_LEARNER_DONE):
        evaluator.evaluate_finally()
        counter.flush()
        return
      actor_steps = int(counts.get(ACTOR_STEPS, 0))
      if actor_steps < config.steps:  # At the end, the final one is yet to come.
        evaluator.evaluate_if_due(actor_steps)
