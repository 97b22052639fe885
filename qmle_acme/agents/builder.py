"""What a layout may ask of an agent, and what all agents make alike.

A builder says how the agent's parts are made; a layout says where they run and how fast
data flows between them. No agent knows which layout it is in.
"""

import abc
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import acme
import numpy as np
import reverb
import tensorflow as tf
from acme.tf import variable_utils

from qmle_acme import replay
from qmle_acme.actions import ActionSpace
from qmle_acme.agents.config import AgentConfig
from qmle_acme.types import Sample, Seed, Tensor

# Writes one record of training metrics.
MetricsWriter = Callable[[dict[str, float]], None]
# From observations [B, O], B static, and the seed of candidates to actions [B, A].
GreedyFunction = Callable[[Tensor, Seed], Tensor]


class TFLearner(acme.Learner):
  """An Acme learner whose whole state TensorFlow can checkpoint."""

  @property
  @abc.abstractmethod
  def state(self) -> dict[str, Any]:
    """Everything that a checkpoint must hold, by name.

    Under 'network' is what the greedy policy acts by: enough without the rest.
    """

  @property
  @abc.abstractmethod
  def steps(self) -> int:
    """Learner steps taken, over all resumed parts of the run."""

  @abc.abstractmethod
  def write_metrics(self) -> None:
    """Writes the mean metrics of the steps since the last time, if there are any."""


class Actor(acme.Actor):
  """An Acme actor that has more to say of an episode than its return.

  Attributes:
    parts: what it acts by, under the names that a learner's state has for it.
  """

  parts: Mapping[str, tf.Module] = MappingProxyType({})

  def episode_record(self) -> dict[str, float]:
    """Returns numbers for the record of the episode that has just ended."""
    return {}


class AgentBuilder(abc.ABC):
  """Makes the parts of one agent for one environment.

  Attributes:
    batch_size: transitions in one learner step.
    samples_per_insert: how often a transition is sampled, on average, before it is
      evicted.
    min_replay_size: transitions in replay before learning starts.
    space: of the actions.
    observation_size: O.
  """

  def __init__(
    self,
    config: AgentConfig,
    spec: acme.specs.EnvironmentSpec,
    space: ActionSpace,
    priority_exponent: float,
  ):
    """Initialises.

    Args:
      config: the agent's settings.
      spec: of the environment; observations are one float32 vector [O].
      space: of its actions.
      priority_exponent: transitions are drawn by priority to this power; 0 is uniform.
    """
    self.batch_size = config.batch_size
    self.samples_per_insert = config.samples_per_insert
    self.min_replay_size = config.min_replay_size
    self.space = space
    self.observation_size = int(np.prod(spec.observations.shape))
    self._config = config
    self._priority_exponent = priority_exponent
    self._row = replay.RowFormat(self.observation_size, space.size)
    self._encode_action = space.from_environment

  @property
  def config(self) -> AgentConfig:
    """The agent's settings."""
    return self._config

  @property
  def row_bytes(self) -> int:
    """The data of one transition in replay, in bytes."""
    return 4 * sum(self._row.sizes)

  def make_tables(
    self, rate_limiter: reverb.rate_limiters.RateLimiter
  ) -> list[reverb.Table]:
    """Returns the replay tables, paced by the layout's rate limiter."""
    size = self._config.replay_size
    return [replay.make_table(self._row, size, self._priority_exponent, rate_limiter)]

  def make_dataset(self, address: str) -> tf.data.Dataset:
    """Returns the dataset of batches from the replay server at `host:port`."""
    return replay.make_dataset(address, self._row, self.batch_size)

  @abc.abstractmethod
  def make_learner(
    self,
    samples: Iterator[Sample],
    address: str,
    seed: int,
    write_metrics: MetricsWriter,
    argmax_clients: Sequence[Any] = (),
  ) -> TFLearner:
    """Returns the learner.

    Args:
      samples: batches, as the dataset gives them.
      address: `host:port` of the replay server, for priorities.
      seed: of networks and candidates.
      write_metrics: receives the training metrics every few seconds.
      argmax_clients: Courier clients of servers of `make_argmax_server`, if any.
    """

  def make_argmax_server(self) -> Any:
    """Returns what takes an arg max for the learner, in a process of its own.

    Raises:
      NotImplementedError: the agent takes none.
    """
    raise NotImplementedError

  @abc.abstractmethod
  def make_actor(
    self,
    variable_source: acme.VariableSource,
    replay_client: reverb.Client | None,
    seed: int,
    index: int = 0,
    actors: int = 1,
  ) -> Actor:
    """Returns an actor whose variables are up to date.

    Args:
      variable_source: the learner, or a client of it.
      replay_client: where transitions go; None for a greedy actor that keeps nothing.
      seed: of exploration and candidates.
      index: among those that explore, from 0; they may differ in how much they do.
      actors: that explore.
    """

  @abc.abstractmethod
  def make_network(self, seed: int) -> tf.Module:
    """Returns what a learner's state has under 'network', with values by the seed."""

  @abc.abstractmethod
  def make_greedy(self, network: tf.Module) -> GreedyFunction:
    """Returns how a network of `make_network` alone acts, without exploration."""

  def _make_adder(
    self, client: reverb.Client | None, priority: Callable[[], float]
  ) -> replay.NStepAdder | None:
    """Returns what writes transitions, each with its priority; None without client."""
    if client is None:
      return None
    config = self._config
    return replay.NStepAdder(
      client, config.n_step, config.discount, self._encode_action, priority
    )

  def _fetch_variables(
    self,
    source: acme.VariableSource,
    variables: dict[str, Sequence[tf.Variable]],
    explores: bool,
  ) -> variable_utils.VariableClient:
    """Brings variables up to date, and returns what will keep them so.

    Args:
      source: the learner, or a client of it.
      variables: by the name that the learner has for them.
      explores: whether they are an actor's. Whoever is greedy evaluates, and asks for
        the newest when it needs them.
    """
    period = self._config.variable_update_period if explores else 1
    client = variable_utils.VariableClient(source, variables, period)
    client.update_and_wait()
    return client
