"""What the parts of a learner step cost, on a real replay server."""

import contextlib
from collections.abc import Iterator
from typing import Any

import courier
import reverb
import tensorflow as tf

from qmle_acme.agents.qmle import QMLEBuilder
from qmle_acme.agents.qmle.argmax import ArgmaxCache, with_cached
from qmle_acme.agents.qmle.learning import QMLELearner
from qmle_acme.agents.qmle.networks import QMLENetwork
from qmle_acme.replay import PriorityUpdater
from qmle_acme.runs import factory
from qmle_acme.runs.batches import BatchQueue
from qmle_acme.speed import processes, serving
from qmle_acme.speed.timing import Part, interleave
from qmle_acme.types import Candidates, Sample

_SEED = 1
# Several in a row: one batch is a few samples ahead of whoever asks for it.
_BATCHES = 4
# Arg max nodes that are measured with; a step without any is the first.
_NODES = (1, 2)
# For the samples that are still under way.
_REST_SECONDS = 0.05


def measure(task: str, repetitions: int) -> Iterator[dict[str, Any]]:
  """Yields the cost of each part of a step on a task at the default settings."""
  config = serving.default_config(task)
  builder = QMLEBuilder(config.qmle, factory.make_spec(config))
  with contextlib.ExitStack() as stack:
    server, *nodes = (
      stack.enter_context(processes.start(function, task, threads=1))
      for function in (serving.serve, *[serving.serve_argmax] * max(_NODES))
    )
    clients = [courier.Client(f'localhost:{node.receive()}') for node in nodes]
    address = f'localhost:{server.receive()}'
    writer = serving.RandomWriter(task, reverb.Client(address))
    writer.write(builder.min_replay_size)
    learner = _make_learner(builder, address, [])
    fed = {count: _make_learner(builder, address, clients[:count]) for count in _NODES}
    period = config.qmle.target_update_period
    for each in (learner, *fed.values()):
      for _ in range(period):
        each.step()
    samples = iter(builder.make_dataset(address))
    parts = {
      'whole step': Part(learner.step, _BATCHES),
      # In each stretch of steps the target parameters are sent once.
      **{
        f'with {count} arg max nodes': Part(fed[count].step, period) for count in _NODES
      },
      'sampling': Part(lambda: next(samples), _BATCHES),
      **_parts(learner, config.qmle.m_target, next(samples)),
      'priorities': _priorities(address, next(samples)),
    }
    yield {
      'task': task,
      'threads': config.learner_threads,
      'repetitions': repetitions,
      'parts': interleave(parts, repetitions, _REST_SECONDS),
    }


def _make_learner(
  builder: QMLEBuilder, address: str, clients: list[courier.Client]
) -> QMLELearner:
  return builder.make_learner(
    BatchQueue(builder.make_dataset(address), check=lambda: None),
    address,
    _SEED,
    write_metrics=lambda _: None,
    argmax_clients=clients,
  )


def _parts(learner: QMLELearner, m_target: int, sample: Sample) -> dict[str, Part]:
  """Returns the parts that are graphs; in a step they are one graph together."""
  network: QMLENetwork = learner.state['target_network']
  cache: ArgmaxCache = learner.state['cache']
  keys, transition = sample.keys, sample.transition
  embeddings = network.embed(transition.o_t)
  seed = tf.constant([_SEED, 0])

  @tf.function(autograph=False)
  def propose() -> Candidates:
    candidates = network.ensemble.propose(embeddings, m_target, seed)
    return with_cached(candidates, transition.a_tm1, 0)

  actions = propose().actions  # A box is encoded as it is.
  maximize = tf.function(network.q.argmax, autograph=False)
  best_actions = tf.function(learner.best_actions, autograph=False)
  lookup = tf.function(cache.lookup, autograph=False)
  update = tf.function(cache.update, autograph=False)
  targets = transition.r_t, transition.a_tm1, tf.ones_like(transition.r_t)
  return {
    'target arg max': Part(lambda: best_actions(transition.o_t, transition.a_tm1)),
    'of it candidates': Part(propose),
    'of it maximising': Part(lambda: maximize(embeddings, actions)),
    'gradient step': Part(lambda: learner.fit(transition, *targets)),
    'cache lookup': Part(lambda: lookup(keys, transition.a_tm1)),
    'cache update': Part(lambda: update(keys, transition.a_tm1, transition.r_t)),
  }


def _priorities(address: str, sample: Sample) -> Part:
  """Returns the part that sends new priorities to the server."""
  update = tf.function(PriorityUpdater(address), autograph=False)
  priorities = tf.ones(sample.keys.shape)
  return Part(lambda: update(sample.keys, priorities))
