"""Acme's learners behind our learner interface. B batch, O observation, A action.

Acme's learners draw their batch inside their compiled step, from an iterator of
TensorFlow: a main thread that waits there does not see a signal. Ours waits in Python,
puts the batch into variables, and Acme's step reads those.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import acme
import reverb
import tensorflow as tf
from acme import types as acme_types
from acme.utils import loggers

from qmle_acme.agents import divergence
from qmle_acme.agents.builder import TFLearner
from qmle_acme.agents.metrics import MeanMetrics
from qmle_acme.agents.seeding import seeded
from qmle_acme.replay import RowFormat
from qmle_acme.types import Array, Sample, Tensor, Transition

# What a checkpoint holds, by name.
State: TypeAlias = dict[str, Any]
# What Acme adds to the metrics of a step; the run has clocks and counters of its own.
_COUNTS = ('steps', 'walltime')


class Batch:
  """The batch of the step under way, as the iterator that Acme's learners expect.

  Called while the step's graph is built, `next` returns reads of the variables.
  """

  def __init__(self, batch_size: int, row: RowFormat):
    """Initialises.

    Args:
      batch_size: B.
      row: of replay, for O and A.
    """
    observations = (batch_size, row.observation_size)
    shapes = Transition(
      observations, (batch_size, row.action_size), batch_size, batch_size, observations
    )
    self._variables = Transition(
      *(tf.Variable(tf.zeros(shape), trainable=False) for shape in shapes)
    )

  def __iter__(self) -> 'Batch':
    return self

  def __next__(self) -> reverb.ReplaySample:
    """Returns Acme's form of the transitions.

    Acme multiplies `discount` by that of the agent, which our rows contain already:
    its learners must be given 1 for it.
    """
    fields = Transition(*(variable.read_value() for variable in self._variables))
    data = acme_types.Transition(
      observation=fields.o_tm1,
      action=fields.a_tm1,
      reward=fields.r_t,
      discount=fields.d_t,
      next_observation=fields.o_t,
    )
    return reverb.ReplaySample(info=None, data=data)

  def assign(self, transition: Transition) -> None:
    """Takes the transitions of the next step."""
    for variable, value in zip(self._variables, transition, strict=True):
      variable.assign(value)


class AcmeLearner(TFLearner):
  """A learner of Acme's, fed and watched by us."""

  def __init__(
    self,
    learner: acme.Learner,
    batch: Batch,
    samples: Iterator[Sample],
    state: State,
    seed: int,
    metrics: 'StepMetrics',
  ):
    """Initialises.

    Args:
      learner: one of Acme's TensorFlow learners, without a checkpointer.
      batch: what it takes for its iterator.
      samples: batches from replay.
      state: everything it holds, but for its count of steps.
      seed: of what it samples; with the step at which it starts, so that a resumed run
        does not draw the same numbers again.
      metrics: what it takes for its logger.
    """
    self._learner = learner
    self._batch = batch
    self._samples = samples
    self._seed = seed
    self._metrics = metrics
    self._is_traced = False
    # Private, but there is no other way to it, and it decides when targets are copied.
    self._steps: tf.Variable = learner._num_steps
    self._state = {**state, 'steps': self._steps}

  @property
  def steps(self) -> int:
    """Learner steps taken, over all resumed parts of the run."""
    return int(self._steps)

  @property
  def state(self) -> State:
    """Networks, optimisers and steps, for `tf.train.Checkpoint`."""
    return self._state

  def get_variables(self, names: Sequence[str]) -> list[list[Array]]:
    """Returns the arrays of each named collection: Acme publishes target networks."""
    return self._learner.get_variables(list(names))

  def step(self) -> None:
    """Takes one batch from replay, and has Acme learn from it."""
    sample = next(self._samples)
    self._batch.assign(sample.transition)
    if self._is_traced:
      self._learner.step()
    else:
      with seeded(self._seed + self.steps):
        self._learner.step()
      self._is_traced = True
    divergence.check_step(self.steps, self._metrics.latest, sample)
    self._metrics.means.add(self.steps, self._metrics.latest)

  def write_metrics(self) -> None:
    """Writes the mean metrics of the steps since the last time, if there are any."""
    self._metrics.means.write()


class StepMetrics(loggers.Logger):
  """Keeps the metrics of one step, of which Acme's learners make a log.

  Attributes:
    means: where they go.
    latest: scalars by name.
  """

  def __init__(self, means: MeanMetrics):
    self.means = means
    self.latest: dict[str, Tensor] = {}

  def write(self, data: Mapping[str, Any]) -> None:
    """Takes what a step has come to."""
    self.latest = {k: value for k, value in data.items() if k not in _COUNTS}

  def close(self) -> None:
    """Does nothing: nothing is open."""
