"""How the parts of QMLE are made."""

from collections.abc import Iterator

import acme
import numpy as np
import reverb
import tensorflow as tf
from acme.tf import variable_utils

from qmle_acme import actions, replay
from qmle_acme.agents.builder import AgentBuilder, MetricsWriter
from qmle_acme.agents.qmle import acting, learning
from qmle_acme.agents.qmle.config import QMLEConfig
from qmle_acme.agents.qmle.networks import QNetwork, make_network
from qmle_acme.argmax import ArgmaxCache
from qmle_acme.types import Sample


class QMLEBuilder(AgentBuilder):
  """Makes the parts of QMLE for one environment.

  Attributes:
    learner_class: what learns; an agent that differs in nothing else has its own.
  """

  learner_class: type[learning.QMLELearner] = learning.QMLELearner

  def __init__(self, config: QMLEConfig, spec: acme.specs.EnvironmentSpec):
    """Initialises.

    Args:
      config: the agent's settings.
      spec: of the environment; observations are one float32 vector [O].
    """
    self._config = config
    self._observation_size = int(np.prod(spec.observations.shape))
    self._space = actions.make(spec.actions, config.bins)
    self._row = replay.RowFormat(self._observation_size, self._space.size)

  @property
  def batch_size(self) -> int:
    """See base class."""
    return self._config.batch_size

  @property
  def samples_per_insert(self) -> float:
    """See base class."""
    return self._config.samples_per_insert

  @property
  def min_replay_size(self) -> int:
    """See base class."""
    return self._config.min_replay_size

  def make_tables(
    self, rate_limiter: reverb.rate_limiters.RateLimiter
  ) -> list[reverb.Table]:
    """See base class."""
    config = self._config
    return [
      replay.make_table(
        self._row, config.replay_size, config.priority_exponent, rate_limiter
      )
    ]

  def make_dataset(self, address: str) -> tf.data.Dataset:
    """See base class."""
    return replay.make_dataset(address, self._row, self._config.batch_size)

  def make_learner(
    self,
    samples: Iterator[Sample],
    address: str,
    seed: int,
    write_metrics: MetricsWriter,
  ) -> learning.QMLELearner:
    """See base class."""
    return self.learner_class(
      network=self._make_network(seed),
      target_network=self._make_network(seed),
      cache=ArgmaxCache(self._config.replay_size, self._space.size),
      samples=samples,
      update_priorities=replay.PriorityUpdater(address),
      config=self._config,
      seed=seed,
      write_metrics=write_metrics,
    )

  def make_actor(
    self,
    variable_source: acme.VariableSource,
    replay_client: reverb.Client | None,
    seed: int,
  ) -> acting.QMLEActor:
    """See base class."""
    network = self._make_network(seed)
    max_priority = acting.Published(1.0)
    client = variable_utils.VariableClient(
      variable_source,
      {learning.POLICY: network.variables, learning.MAX_PRIORITY: [max_priority]},
      # Whoever is greedy evaluates, and asks for the newest when it needs them.
      self._config.variable_update_period if replay_client else 1,
    )
    client.update_and_wait()
    adder = None
    if replay_client is not None:
      adder = replay.NStepAdder(
        replay_client,
        self._config.n_step,
        self._config.discount,
        encode_action=self._space.from_environment,
        priority=lambda: max_priority.value,
      )
    return acting.QMLEActor(
      network=network,
      space=self._space,
      observation_size=self._observation_size,
      m_greedy=self._config.m_greedy,
      epsilon=0.0 if adder is None else self._config.epsilon,
      seed=seed,
      variable_client=client,
      adder=adder,
    )

  def _make_network(self, seed: int) -> QNetwork:
    """Returns the network with all its variables, a function of the seed."""
    return make_network(self._space, self._observation_size, self._config, seed)
