"""The one interface of the arg max predictors f_k(a | s).

A predictor is a head on the observation embedding whose output parametrises a
distribution over actions. It is fitted by maximum likelihood to the best action known
for a state, and proposes candidates there (arXiv 2410.06317, amortised maximisation).
B batch, n samples, A action dimensions, C continuous ones of them, D = A - C digits, H
width, P parameters.
"""

import abc

import sonnet as snt
import tensorflow as tf

from qmle_acme.actions import ActionSpace
from qmle_acme.agents.qmle.predictors.factored import Factored
from qmle_acme.networks import Linear
from qmle_acme.types import Seed, Tensor


class Predictor(snt.Module, abc.ABC):
  """A head, and the distribution family that it parametrises.

  A family sets what its number of parameters depends on before it initialises this
  class. Its options are a dataclass in `config`, or in a package of somebody else's.
  """

  def __init__(self, space: ActionSpace, width: int, name: str):
    """Initialises.

    Args:
      space: the action space.
      width: H.
      name: of this member of the ensemble.
    """
    super().__init__(name=name)
    self._space = space
    self._digits = Factored(space.bin_counts[space.num_continuous :])
    self._head = snt.Sequential(
      [Linear(width), tf.nn.relu, Linear(self.num_parameters)]
    )

  @property
  @abc.abstractmethod
  def num_parameters(self) -> int:
    """P, the size of the head's output."""

  def __call__(self, embeddings: Tensor) -> Tensor:
    """Returns the parameters [B, P] for embeddings [B, H]."""
    return self._head(embeddings)

  @abc.abstractmethod
  def sample(self, parameters: Tensor, count: int, seed: Seed) -> Tensor:
    """Returns actions [B, n, A] inside the space for parameters [B, P].

    Args:
      parameters: [B, P] from `__call__`.
      count: n, at least 0.
      seed: of the stateless random functions.
    """

  @abc.abstractmethod
  def loss(self, parameters: Tensor, actions: Tensor) -> Tensor:
    """Returns -log f(actions) up to a constant, [B].

    Args:
      parameters: [B, P] from `__call__`.
      actions: [B, A] best known actions.
    """

  @property
  def _has_digits(self) -> bool:
    return self._space.num_continuous < self._space.size

  def _split(self, values: Tensor) -> tuple[Tensor, Tensor]:
    """Returns what belongs to the continuous dimensions, [..., C], and what is left."""
    size = self._space.num_continuous
    # Without a slice of all, so that TensorFlow can fuse what makes and takes them.
    continuous = values[..., :size] if self._has_digits else values
    return continuous, values[..., size:]

  def _join(self, continuous: Tensor, digits: Tensor) -> Tensor:
    """Returns actions [..., A] inside the space for [..., C], and bins [..., D]."""
    parts = [continuous, tf.cast(digits, tf.float32)]
    return self._space.clip(tf.concat(parts, axis=-1))

  def _broadcast(self, values: Tensor, count: int) -> Tensor:
    """Returns values [B, ...] repeated for each sample, [B, n, ...]."""
    return tf.repeat(values[:, None], count, axis=1)
