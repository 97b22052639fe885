"""How the parts of Acme's D4PG and DMPO are made, as far as that is the same for both.

Where the two differ a method is left to the agent. O observation, A action dimensions.
"""

import abc
from collections.abc import Iterator

import acme
import numpy as np
import reverb
import sonnet as snt
import tensorflow as tf
from acme.agents.tf.d4pg.agent import D4PGNetworks
from acme.tf import variable_utils
from dm_env import specs

from qmle_acme import actions, replay
from qmle_acme.agents.actor_critic import acting, learning, seeding
from qmle_acme.agents.actor_critic.config import ActorCriticConfig
from qmle_acme.agents.builder import AgentBuilder, MetricsWriter
from qmle_acme.agents.metrics import MeanMetrics
from qmle_acme.errors import UserError
from qmle_acme.types import Sample

POLICY = 'policy'


class ActorCriticBuilder(AgentBuilder):
  """Makes the parts of an actor-critic agent for one environment."""

  def __init__(self, config: ActorCriticConfig, spec: acme.specs.EnvironmentSpec):
    """Initialises.

    Args:
      config: the agent's settings.
      spec: of the environment; observations are one float32 vector [O].

    Raises:
      UserError: actions are no box.
    """
    space = actions.make(spec.actions, bins=2)  # Bins are not used.
    if not isinstance(space, actions.Box):
      raise UserError(
        f'{config.AGENT} acts in boxes only, and the action spec '
        f'{spec.actions.name!r} is none: use --agent qmle'
      )
    self._space = space
    self._actor_critic_config = config
    observation_size = int(np.prod(spec.observations.shape))
    self._row = replay.RowFormat(observation_size, space.size)
    # What the networks are made for: the box as the agent sees it.
    self._spec = spec._replace(
      actions=specs.BoundedArray((space.size,), np.float32, -1.0, 1.0)
    )

  @abc.abstractmethod
  def make_networks(self) -> D4PGNetworks:
    """Returns Acme's networks, without variables yet."""

  @abc.abstractmethod
  def make_policy(self, networks: D4PGNetworks, explores: bool) -> snt.Module:
    """Returns the network from observations [B, O] to actions [B, A]."""

  @abc.abstractmethod
  def make_acme_learner(
    self,
    online: D4PGNetworks,
    target: D4PGNetworks,
    batch: learning.Batch,
    logger: learning.StepMetrics,
  ) -> tuple[acme.Learner, learning.State]:
    """Returns Acme's learner, and what a checkpoint holds besides the networks.

    Args:
      online: the networks that are trained.
      target: those that follow them.
      batch: the learner's iterator; with it its discount must be 1.
      logger: receives the metrics of each step.
    """

  @property
  def batch_size(self) -> int:
    """See base class."""
    return self._actor_critic_config.batch_size

  @property
  def samples_per_insert(self) -> float:
    """See base class."""
    return self._actor_critic_config.samples_per_insert

  @property
  def min_replay_size(self) -> int:
    """See base class."""
    return self._actor_critic_config.min_replay_size

  def make_tables(
    self, rate_limiter: reverb.rate_limiters.RateLimiter
  ) -> list[reverb.Table]:
    """See base class; both agents draw uniformly."""
    size = self._actor_critic_config.replay_size
    return [replay.make_table(self._row, size, 0.0, rate_limiter)]

  def make_dataset(self, address: str) -> tf.data.Dataset:
    """See base class."""
    return replay.make_dataset(address, self._row, self.batch_size)

  def make_learner(
    self,
    samples: Iterator[Sample],
    address: str,
    seed: int,
    write_metrics: MetricsWriter,
  ) -> learning.AcmeLearner:
    """See base class; there are no priorities to send to the address."""
    del address
    batch = learning.Batch(self.batch_size, self._row)
    metrics = learning.StepMetrics(MeanMetrics(write_metrics))
    online, target = self._init_networks(seed), self._init_networks(seed)
    learner, state = self.make_acme_learner(online, target, batch, metrics)
    state |= {
      'network': target.policy_network,  # Acme's actors follow the target.
      'policy': online.policy_network,
      'critic': online.critic_network,
      'target_critic': target.critic_network,
    }
    return learning.AcmeLearner(learner, batch, samples, state, seed, metrics)

  def make_actor(
    self,
    variable_source: acme.VariableSource,
    replay_client: reverb.Client | None,
    seed: int,
  ) -> acting.BoxActor:
    """See base class."""
    config = self._actor_critic_config
    explores = replay_client is not None
    adder = None
    if replay_client is not None:
      adder = replay.NStepAdder(
        replay_client,
        config.n_step,
        config.discount,
        encode_action=self._space.from_environment,
        priority=lambda: 1.0,
      )
    policy = self.make_policy(self._init_networks(seed), explores)
    client = variable_utils.VariableClient(
      variable_source,
      {POLICY: policy.variables},
      # Whoever is greedy evaluates, and asks for the newest when it needs them.
      config.variable_update_period if explores else 1,
    )
    client.update_and_wait()
    actor = acting.BoxActor(policy, self._space, client, adder)
    with seeding.seeded(seed):
      actor.select_action(np.zeros(self._row.observation_size, np.float32))
    return actor

  def _init_networks(self, seed: int) -> D4PGNetworks:
    """Returns the networks with all their variables, a function of the seed."""
    networks = self.make_networks()
    seeding.seed_weights(networks, seed)
    with seeding.seeded(seed):
      networks.init(self._spec)
    return networks
