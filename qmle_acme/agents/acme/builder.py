"""How the parts of Acme's D4PG and DMPO are made, as far as that is the same for both.

Where the two differ a method is left to the agent. O observation, A action dimensions.
"""

import abc
from collections.abc import Iterator, Sequence
from typing import Any

import acme
import numpy as np
import reverb
import sonnet as snt
from acme.agents.tf.d4pg.agent import D4PGNetworks
from dm_env import specs

from qmle_acme import actions
from qmle_acme.agents.acme import acting, learning
from qmle_acme.agents.acme.config import ActorCriticConfig
from qmle_acme.agents.acme.seeding import seed_weights
from qmle_acme.agents.builder import AgentBuilder, GreedyFunction, MetricsWriter
from qmle_acme.agents.metrics import MeanMetrics
from qmle_acme.agents.optimizers import adam
from qmle_acme.agents.seeding import seeded
from qmle_acme.types import Sample, Seed, Tensor

POLICY = 'policy'


class ActorCriticBuilder(AgentBuilder):
  """Makes the parts of an actor-critic agent for one environment."""

  _config: ActorCriticConfig
  space: actions.Box

  def __init__(self, config: ActorCriticConfig, spec: acme.specs.EnvironmentSpec):
    """Initialises.

    Args:
      config: the agent's settings.
      spec: of the environment; observations are one float32 vector [O].

    Raises:
      UserError: actions are no box; a nest of boxes is none either.
    """
    config.check_actions(spec.actions)
    space = actions.make(spec.actions, bins=2)  # Bins are not used.
    assert isinstance(space, actions.Box)
    # Both agents draw uniformly.
    super().__init__(config, spec, space, priority_exponent=0.0)
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
    self, batch: learning.Batch, arguments: dict[str, Any]
  ) -> tuple[acme.Learner, learning.State]:
    """Returns Acme's learner, and what a checkpoint holds of this agent alone.

    Args:
      batch: the learner's iterator.
      arguments: of the learner: networks, optimisers, discount, logger.
    """

  def make_learner(
    self,
    samples: Iterator[Sample],
    address: str,
    seed: int,
    write_metrics: MetricsWriter,
    argmax_clients: Sequence[Any] = (),
  ) -> learning.AcmeLearner:
    """See base class; there are neither priorities to send nor an arg max to take."""
    del address, argmax_clients
    batch = learning.Batch(self.batch_size, self._row)
    metrics = learning.StepMetrics(MeanMetrics(write_metrics))
    online, target = self._init_networks(seed), self._init_networks(seed)
    optimizers = self._make_optimizers(online)
    arguments = {
      'policy_network': online.policy_network,
      'critic_network': online.critic_network,
      'target_policy_network': target.policy_network,
      'target_critic_network': target.critic_network,
      'observation_network': online.observation_network,
      'target_observation_network': target.observation_network,
      'discount': 1.0,  # The batch has the agent's in it.
      'logger': metrics,
      'checkpoint': False,
    }
    learner, state = self.make_acme_learner(batch, arguments | optimizers)
    state |= optimizers | {
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
    index: int = 0,
    actors: int = 1,
  ) -> acting.BoxActor:
    """See base class; all actors explore alike."""
    del index, actors
    explores = replay_client is not None
    adder = self._make_adder(replay_client, lambda: 1.0)
    networks = self._init_networks(seed)
    policy = self.make_policy(networks, explores)
    variables = {POLICY: policy.variables}
    client = self._fetch_variables(variable_source, variables, explores)
    network = networks.policy_network
    actor = acting.BoxActor(policy, self.space, client, adder, network)
    with seeded(seed):
      actor.select_action(np.zeros(self.observation_size, np.float32))
    return actor

  def make_network(self, seed: int) -> snt.Module:
    """Returns a policy network, a function of the seed."""
    return self._init_networks(seed).policy_network

  def make_greedy(self, network: snt.Module) -> GreedyFunction:
    """Returns the policy's action, of a distribution its mean, inside the box."""

    def act(observations: Tensor, seed: Seed) -> Tensor:
      del seed  # There is nothing to sample.
      action = network(observations)
      mean = action.mean() if hasattr(action, 'mean') else action
      return self.space.clip(mean)

    return act

  def _make_optimizers(self, networks: D4PGNetworks) -> dict[str, snt.Optimizer]:
    config = self._config
    policy, critic = networks.policy_network, networks.critic_network
    return {
      'policy_optimizer': adam(config.policy_learning_rate, policy.trainable_variables),
      'critic_optimizer': adam(config.critic_learning_rate, critic.trainable_variables),
    }

  def _init_networks(self, seed: int) -> D4PGNetworks:
    """Returns the networks with all their variables, a function of the seed."""
    networks = self.make_networks()
    seed_weights(networks, seed)
    with seeded(seed):
      networks.init(self._spec)
    return networks
