"""The networks of QMLE: an action-in Q-network and the arg max predictors on it.

B batch, N candidates, A action dimensions, H width, O observation.
"""

import abc
from typing import TypeVar

import numpy as np
import sonnet as snt
import tensorflow as tf

from qmle_acme.actions import ActionSpace
from qmle_acme.agents.qmle.argmax import best_of, two_rounds, with_cached
from qmle_acme.agents.qmle.config import QMLEConfig
from qmle_acme.agents.qmle.predictors import Ensemble, make_predictor
from qmle_acme.agents.qmle.predictors.config import UNIFORM
from qmle_acme.agents.seeding import seeded
from qmle_acme.networks import ActionInQNetwork, Linear
from qmle_acme.types import ArgmaxResult, Seed, Tensor

Network = TypeVar('Network', bound='QNetwork')


class QNetwork(snt.Module, abc.ABC):
  """What the learner and the actor ask of a network.

  One is initialised with the action space and the agent's settings.
  """

  @classmethod
  def make(
    cls: type[Network],
    space: ActionSpace,
    observation_size: int,
    config: QMLEConfig,
    seed: int,
  ) -> Network:
    """Returns a network with all its variables; the same seed gives the same ones.

    Args:
      space: the action space.
      observation_size: O.
      config: the agent's settings.
      seed: of the initial values; it becomes TensorFlow's own.
    """
    with seeded(seed):
      network = cls(space, config)
      embeddings = network.embed(tf.zeros([1, observation_size]))
      network.q_values(embeddings, tf.zeros([1, 1, space.size]))
      network.predictor_losses(embeddings, tf.zeros([1, space.size]))
    return network

  @property
  @abc.abstractmethod
  def proposers(self) -> tuple[str, ...]:
    """Names of who proposes candidates, in the order of `ArgmaxResult.winners`."""

  @property
  @abc.abstractmethod
  def output(self) -> Linear:
    """The last layer of Q: to scale it is to scale all Q-values."""

  @abc.abstractmethod
  def argmax(
    self,
    observations: Tensor,
    count: int,
    seed: Seed,
    cached: Tensor | None = None,
  ) -> ArgmaxResult:
    """Returns the best of `count` candidates, and of the cached action, in each state.

    Args:
      observations: [B, O]; B is static.
      count: N.
      seed: of the candidates.
      cached: [B, A], if there is one.
    """

  def count_in(self, observations: Tensor) -> None:
    """Counts observations [B, O] in what they are normalised by, if they are."""

  def predicted_actions(self, observations: Tensor, seed: Seed) -> Tensor:
    """Returns an action of a predictor in each state, [B, A], of observations [B, O].

    Raises:
      NotImplementedError: there are no predictors.
    """
    raise NotImplementedError

  def gains(self, observations: Tensor, count: int, seed: Seed) -> dict[str, Tensor]:
    """Returns by how much each predictor raises max Q above uniform sampling alone.

    It is the mean over states of max(0, its best - the best uniform one). Each has its
    share of `count` candidates. Empty where there is nothing to compare.

    Args:
      observations: [B, O]; B is static.
      count: N.
      seed: of the candidates.
    """
    return {}

  @abc.abstractmethod
  def embed(self, observations: Tensor) -> Tensor:
    """Returns the embeddings [B, H] of observations [B, O]."""

  @abc.abstractmethod
  def q_values(self, embeddings: Tensor, actions: Tensor) -> Tensor:
    """Returns Q-values [B, N] of actions [B, N, A] for embeddings [B, H]."""

  @abc.abstractmethod
  def predictor_losses(self, embeddings: Tensor, actions: Tensor) -> Tensor:
    """Returns -log of the likelihood of actions [B, A], summed over predictors, [B]."""


class QMLENetwork(QNetwork):
  """Everything that is learned, and the arg max that it allows.

  Attributes:
    q: the Q-network.
    ensemble: uniform sampling and the predictors.
  """

  def __init__(self, space: ActionSpace, config: QMLEConfig, name: str = 'qmle'):
    """Initialises.

    Args:
      space: the action space.
      config: the agent's settings.
      name: of the module.
    """
    super().__init__(name=name)
    self._space = space
    self._second_round = config.second_round
    width = config.hidden_size
    self.q = ActionInQNetwork(
      space, width, config.fourier_directions, config.normalize_observations
    )
    is_compiled = config.argmax == 'compiled'
    self._best = self.q.argmax if is_compiled else self.q.plain_argmax
    self.ensemble = Ensemble(
      space,
      [make_predictor(member, space.proposal, width) for member in config.predictors],
      config.ratios,
    )

  @property
  def proposers(self) -> tuple[str, ...]:
    """See base class; the second round, if there is one, and the cached action last."""
    refined = ('refined',) if self._second_round else ()
    return (*self.ensemble.names, *refined, 'cache')

  @property
  def output(self) -> Linear:
    """See base class."""
    return self.q.output

  def argmax(
    self,
    observations: Tensor,
    count: int,
    seed: Seed,
    cached: Tensor | None = None,
  ) -> ArgmaxResult:
    """See base class."""
    embeddings = self.embed(observations)
    refined = min(round(self._second_round * count), count - 1)
    candidates = self.ensemble.propose(embeddings, count - refined, seed)
    if cached is not None:
      candidates = with_cached(candidates, cached, self.proposers.index('cache'))
    if refined:
      return two_rounds(
        self._best,
        self._space,
        embeddings,
        candidates,
        refined,
        self.proposers.index('refined'),
        len(self.proposers),
        tf.random.fold_in(seed, 1),
      )
    best, value = self._best(embeddings, candidates.actions)
    return best_of(candidates, best, value, len(self.proposers))

  def gains(self, observations: Tensor, count: int, seed: Seed) -> dict[str, Tensor]:
    """See base class."""
    embeddings = self.embed(observations)
    candidates = self.ensemble.propose(embeddings, count, seed)
    owners = tf.get_static_value(candidates.proposers)
    values = {
      name: self._best(embeddings, tf.gather(candidates.actions, own, axis=1))[1]
      for index, name in enumerate(self.ensemble.names)
      if len(own := np.flatnonzero(owners == index))
    }
    uniform = values.pop(UNIFORM, None)
    if uniform is None:
      return {}
    return {
      name: tf.reduce_mean(tf.nn.relu(value - uniform))
      for name, value in values.items()
    }

  def predicted_actions(self, observations: Tensor, seed: Seed) -> Tensor:
    """See base class."""
    return self.ensemble.sample_predictors(self.embed(observations), seed)

  def count_in(self, observations: Tensor) -> None:
    """See base class."""
    running_norm = self.q.observation_encoder.running_norm
    if running_norm:
      running_norm.update(observations)

  def embed(self, observations: Tensor) -> Tensor:
    """See base class."""
    return self.q.embed(observations)

  def q_values(self, embeddings: Tensor, actions: Tensor) -> Tensor:
    """See base class."""
    return self.q(embeddings, actions)

  def predictor_losses(self, embeddings: Tensor, actions: Tensor) -> Tensor:
    """See base class."""
    return self.ensemble.loss(embeddings, actions)
