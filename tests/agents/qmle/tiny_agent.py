"""A tiny QMLE learner, without a server, and batches for it.

B batch, O = 3 observation, A = 2 action dimensions.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import sonnet as snt
import tensorflow as tf
from dm_env import specs

from qmle_acme.actions import Box
from qmle_acme.agents.builder import MetricsWriter
from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.agents.qmle.argmax import ArgmaxCache
from qmle_acme.agents.qmle.argmax_nodes import ArgmaxNodes
from qmle_acme.agents.qmle.critic import Critic
from qmle_acme.agents.qmle.learning import QMLELearner
from qmle_acme.agents.qmle.networks import QMLENetwork
from qmle_acme.agents.qmle.predictors import CategoricalConfig, DeltaConfig
from qmle_acme.replay import PriorityUpdater
from qmle_acme.types import Sample, Tensor, Transition

OBSERVATION_SIZE = 3
SPACE = Box(specs.BoundedArray((2,), np.float32, -1.0, 1.0), bins=3)
CONFIG = QMLEConfig(
  batch_size=4,
  learning_rate=0.01,
  replay_size=64,
  min_replay_size=1,
  importance_exponent=0.5,
  m_target=5,
  m_greedy=8,
  uniform_ratio=0.4,
  predictors=(DeltaConfig(0.2), CategoricalConfig(0.4)),
  hidden_size=16,
)


class Priorities(PriorityUpdater):
  """Keeps what would be sent to a server.

  Attributes:
    sent: keys and priorities of each call.
  """

  def __init__(self) -> None:
    super().__init__(address='')
    self.sent: list[tuple[np.ndarray, np.ndarray]] = []

  def __call__(self, keys: Tensor, priorities: Tensor) -> None:
    """Keeps the keys and priorities [B]."""
    tf.numpy_function(lambda *sent: self.sent.append(sent), [keys, priorities], [])


class Store:
  """Random transitions that are always the same for the same key."""

  def __init__(self, seed: int, size: int = 12):
    random = np.random.default_rng(seed)
    self.keys = random.integers(-(2**63), 2**63, size, dtype=np.int64)
    self._probabilities = random.uniform(0.01, 0.2, size)
    self._fields = Transition(
      o_tm1=random.normal(size=(size, OBSERVATION_SIZE)),
      a_tm1=random.uniform(-1.0, 1.0, size=(size, SPACE.size)),
      r_t=3.0 * random.normal(size=size),
      d_t=random.choice([0.0, 0.5, 0.99], size=size),
      o_t=random.normal(size=(size, OBSERVATION_SIZE)),
    )

  def draw(self, indices: Iterable[int]) -> Sample:
    """Returns the batch of these items."""
    rows = list(indices)
    fields = (tf.constant(field[rows], tf.float32) for field in self._fields)
    return Sample(
      tf.constant(self.keys[rows]),
      tf.constant(self._probabilities[rows]),
      Transition(*fields),
    )

  def batches(self, seed: int) -> Iterator[Sample]:
    """Yields random batches without end, in some of which an item comes twice."""
    random = np.random.default_rng(seed)
    while True:
      yield self.draw(random.integers(len(self.keys), size=CONFIG.batch_size))


def make_critic(config: QMLEConfig, seed: int) -> Critic:
  """Returns a critic whose target network is a copy."""
  return Critic(make_network(config, seed), make_network(config, seed), config)


def make_network(config: QMLEConfig, seed: int) -> QMLENetwork:
  """Returns a network, a function of the seed."""
  return QMLENetwork.make(SPACE, OBSERVATION_SIZE, config, seed)


def make_learner(
  samples: Iterable[Sample],
  seed: int = 7,
  config: QMLEConfig = CONFIG,
  write_metrics: MetricsWriter = lambda _: None,
  argmax_nodes: ArgmaxNodes | None = None,
) -> tuple[QMLELearner, Priorities]:
  """Returns a learner, and what receives its priorities."""
  priorities = Priorities()
  learner = QMLELearner(
    critics=[make_critic(config, seed + i) for i in range(config.critics)],
    cache=ArgmaxCache(config.replay_size, SPACE.size),
    samples=iter(samples),
    update_priorities=priorities,
    config=config,
    seed=seed,
    write_metrics=write_metrics,
    argmax_nodes=argmax_nodes,
    average=make_network(config, seed) if config.has_average else None,
  )
  return learner, priorities


def with_target(mle_target: str, **changes: object) -> QMLEConfig:
  """Returns the tiny settings with another target of the predictors."""
  return dataclasses.replace(CONFIG, mle_target=mle_target, **changes)  # type: ignore


def take(samples: Iterator[Sample], count: int) -> list[Sample]:
  """Returns the next `count` batches."""
  return list(itertools.islice(samples, count))


def arrays(module: snt.Module) -> list[np.ndarray]:
  """Returns the variables of a module."""
  return [variable.numpy() for variable in module.variables]


def all_equal(a: Sequence[np.ndarray], b: Sequence[np.ndarray]) -> bool:
  """Returns whether arrays are the same to the last bit; NaN is NaN."""
  pairs = zip(a, b, strict=True)
  return all(np.array_equal(x, y, equal_nan=True) for x, y in pairs)


def cached_actions(learner: QMLELearner, keys: np.ndarray) -> np.ndarray:
  """Returns the cached actions [B, A], NaN where there is none."""
  missing = tf.fill([len(keys), SPACE.size], np.nan)
  return learner.state['cache'].lookup(tf.constant(keys), missing)[0].numpy()


def make_random(seed: int) -> np.random.Generator:
  """Returns the generator that an actor of this seed draws from."""
  return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(1,)))
