"""What a layout may ask of an agent, and nothing else.

A builder says how the agent's parts are made; a layout says where they run and how fast
data flows between them. No agent knows which layout it is in.
"""

import abc
from collections.abc import Callable, Iterator
from typing import Any

import acme
import reverb
import tensorflow as tf

from qmle_acme.types import Sample

# Writes one record of training metrics.
MetricsWriter = Callable[[dict[str, float]], None]


class TFLearner(acme.Learner):
  """An Acme learner whose whole state TensorFlow can checkpoint."""

  @property
  @abc.abstractmethod
  def state(self) -> dict[str, Any]:
    """Everything that a checkpoint must hold, by name.

    Under 'network' is what actors get of it: enough to act without the rest.
    """

  @property
  @abc.abstractmethod
  def steps(self) -> int:
    """Learner steps taken, over all resumed parts of the run."""

  @abc.abstractmethod
  def write_metrics(self) -> None:
    """Writes the mean metrics of the steps since the last time, if there are any."""


class AgentBuilder(abc.ABC):
  """Makes the parts of one agent for one environment."""

  @property
  @abc.abstractmethod
  def batch_size(self) -> int:
    """Transitions in one learner step."""

  @property
  @abc.abstractmethod
  def samples_per_insert(self) -> float:
    """How often a transition is sampled, on average, before it is evicted."""

  @property
  @abc.abstractmethod
  def min_replay_size(self) -> int:
    """Transitions in replay before learning starts."""

  @abc.abstractmethod
  def make_tables(
    self, rate_limiter: reverb.rate_limiters.RateLimiter
  ) -> list[reverb.Table]:
    """Returns the replay tables, paced by the layout's rate limiter."""

  @abc.abstractmethod
  def make_dataset(self, address: str) -> tf.data.Dataset:
    """Returns the dataset of batches from the replay server at `host:port`."""

  @abc.abstractmethod
  def make_learner(
    self,
    samples: Iterator[Sample],
    address: str,
    seed: int,
    write_metrics: MetricsWriter,
  ) -> TFLearner:
    """Returns the learner.

    Args:
      samples: batches, as the dataset gives them.
      address: `host:port` of the replay server, for priorities.
      seed: of networks and candidates.
      write_metrics: receives the training metrics every few seconds.
    """

  @abc.abstractmethod
  def make_actor(
    self,
    variable_source: acme.VariableSource,
    replay_client: reverb.Client | None,
    seed: int,
  ) -> acme.Actor:
    """Returns an actor whose variables are up to date.

    Args:
      variable_source: the learner, or a client of it.
      replay_client: where transitions go; None for a greedy actor that keeps nothing.
      seed: of exploration and candidates.
    """
