"""The unit in which returns are learned, whatever the unit of the rewards.

Adam moves Q by steps whose size does not depend on the rewards, and neither does the
priority that new items start at. So values of thousands were never reached, and values
of thousandths were lost in the noise. Rewards are therefore divided by the largest
magnitude seen so far. Then |Q| is at most 1 / (1 - discount), and its largest values
are about 1 at least. B batch, n steps of a transition.
"""

from collections.abc import Sequence

import tensorflow as tf

from qmle_acme.agents.qmle.networks import QNetwork
from qmle_acme.types import Array, Tensor


class RewardScale(tf.Module):
  """The largest magnitude of a reward seen so far; 1 until one differs from 0."""

  def __init__(self, n_step: int, discount: float):
    """Initialises.

    Args:
      n_step: n, the rewards that are summed in r_t.
      discount: g of the agent; n rewards of 1 sum to 1 + g + ... + g^(n - 1).
    """
    super().__init__(name='reward_scale')
    self._sum_of_ones = sum(discount**k for k in range(n_step))
    self._largest = tf.Variable(0.0, name='largest')

  @property
  def value(self) -> Tensor:
    """The unit of what is learned, in that of the rewards; a scalar."""
    return tf.where(self._largest > 0.0, self._largest, 1.0)

  def numpy(self) -> float:
    """Returns the unit, as Acme's clients read a variable."""
    return self.value.numpy()

  def assign(self, value: Array | float) -> None:
    """Takes a unit, as Acme's clients do with variables."""
    self._largest.assign(value)

  def is_exceeded(self, r_t: Tensor) -> Tensor:
    """Returns whether rewards [B] would change the unit; a scalar."""
    return self._size(r_t) > self._largest

  def include(self, r_t: Tensor) -> Tensor:
    """Takes rewards [B] into account, and returns the old unit in the new one.

    That is what Q-values and priorities must be multiplied by to stay what they were;
    1 for the first unit, since there was nothing to learn before it.
    """
    old = self._largest.read_value()
    new = tf.maximum(old, self._size(r_t))
    self._largest.assign(new)
    return tf.where(old > 0.0, old / new, 1.0)

  def _size(self, r_t: Tensor) -> Tensor:
    return tf.reduce_max(tf.abs(r_t)) / self._sum_of_ones


def rescale(networks: Sequence[QNetwork], factor: Tensor) -> None:
  """Multiplies all Q-values of networks by a factor, as PopArt does.

  The last layer is linear: van Hasselt et al., arXiv 1602.07714, equation 4.
  """
  for network in networks:
    for variable in network.output.trainable_variables:
      variable.assign(factor * variable)
