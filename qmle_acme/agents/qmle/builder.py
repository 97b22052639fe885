"""How the parts of QMLE are made."""

from collections.abc import Iterator, Sequence

import acme
import reverb

from qmle_acme import actions, replay
from qmle_acme.agents.builder import AgentBuilder, GreedyFunction, MetricsWriter
from qmle_acme.agents.qmle import acting, learning
from qmle_acme.agents.qmle.argmax import ArgmaxCache
from qmle_acme.agents.qmle.argmax_nodes import ArgmaxNodes, ArgmaxServer, Client
from qmle_acme.agents.qmle.config import QMLEConfig
from qmle_acme.agents.qmle.critic import Critic
from qmle_acme.agents.qmle.exploration import Exploration, ladder
from qmle_acme.agents.qmle.networks import QMLENetwork, QNetwork
from qmle_acme.agents.qmle.parameters import Number, Parameters
from qmle_acme.agents.qmle.scaling import RewardScale
from qmle_acme.types import Sample


class QMLEBuilder(AgentBuilder):
  """Makes the parts of QMLE for one environment.

  Attributes:
    learner_class: what learns; an agent that differs in nothing else has its own.
    network_class: what values actions; so, too.
  """

  _config: QMLEConfig
  learner_class: type[learning.QMLELearner] = learning.QMLELearner
  network_class: type[QNetwork] = QMLENetwork

  def __init__(self, config: QMLEConfig, spec: acme.specs.EnvironmentSpec):
    """Initialises.

    Args:
      config: the agent's settings.
      spec: of the environment; observations are one float32 vector [O].

    Raises:
      UserError: there is no space for its action spec.
    """
    space = actions.make(spec.actions, config.bins)
    super().__init__(config, spec, space, config.priority_exponent)

  def make_learner(
    self,
    samples: Iterator[Sample],
    address: str,
    seed: int,
    write_metrics: MetricsWriter,
    argmax_clients: Sequence[Client] = (),
  ) -> learning.QMLELearner:
    """See base class."""
    return self.learner_class(
      critics=[self._make_critic(seed + i) for i in range(self._config.critics)],
      cache=ArgmaxCache(self._config.replay_size, self.space.size),
      samples=samples,
      update_priorities=replay.PriorityUpdater(address),
      config=self._config,
      seed=seed,
      write_metrics=write_metrics,
      argmax_nodes=ArgmaxNodes(argmax_clients) if argmax_clients else None,
      average=self.make_network(seed) if self._config.has_average else None,
    )

  def make_argmax_server(self) -> ArgmaxServer:
    """See base class."""
    config, size = self._config, self.observation_size
    # The learner sends all values.
    server = ArgmaxServer(self.make_network(seed=0), size, config.m_target)
    server.trace(config.batch_size, size + config.use_cache * self.space.size)
    return server

  def make_actor(
    self,
    variable_source: acme.VariableSource,
    replay_client: reverb.Client | None,
    seed: int,
    index: int = 0,
    actors: int = 1,
  ) -> acting.QMLEActor:
    """See base class; each actor has its own epsilon."""
    network = self.make_network(seed)
    max_priority = Number(1.0)
    reward_scale = RewardScale(self._config.n_step, self._config.discount)
    explores = replay_client is not None
    acts_by = learning.ONLINE if explores else learning.POLICY
    client = self._fetch_variables(
      variable_source,
      {
        acts_by: [Parameters(network.variables)],
        learning.MAX_PRIORITY: [max_priority],
        learning.REWARD_SCALE: [reward_scale],
      },
      explores,
    )
    return acting.QMLEActor(
      network=network,
      space=self.space,
      observation_size=self.observation_size,
      m_greedy=self._config.m_greedy,
      exploration=self._exploration(index, actors) if explores else Exploration(0.0),
      seed=seed,
      variable_client=client,
      adder=self._make_adder(replay_client, lambda: max_priority.value),
      reward_scale=reward_scale,
      discount=self._config.discount,
    )

  def _exploration(self, index: int, actors: int) -> Exploration:
    """Returns how one of the actors explores."""
    config = self._config
    epsilon = ladder(config.epsilon, config.epsilon_exponent, index, actors)
    return Exploration(
      epsilon,
      steps=config.exploration_steps,
      from_predictors=config.exploration_from_predictors,
      wide_episodes=config.wide_episodes,
      wide_steps=config.wide_steps,
    )

  def _make_critic(self, seed: int) -> Critic:
    """Returns a critic, a function of the seed."""
    return Critic(self.make_network(seed), self.make_network(seed), self._config)

  def make_network(self, seed: int) -> QNetwork:
    """Returns a Q-network with its predictors, a function of the seed."""
    size = self.observation_size
    return self.network_class.make(self.space, size, self._config, seed)

  def make_greedy(self, network: QNetwork) -> GreedyFunction:
    """Returns the arg max over `m_greedy` candidates."""
    m_greedy = self._config.m_greedy
    return lambda observations, seed: (
      network.argmax(observations, m_greedy, seed).action
    )
