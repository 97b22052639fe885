"""What a value can be at most and at least, by the rewards that were seen. B batch."""

import tensorflow as tf

from qmle_acme.types import Tensor


class ValueBounds(tf.Module):
  """Bounds of all values, in the unit of the rewards.

  Let U be the largest r_t / (1 - d_t) of all transitions. While no value is above U, no
  target is: r_t + d_t V(o_t) <= (1 - d_t) U + d_t U = U. So a target that is above U is
  an error of V. The same holds from below. The bounds are tight where all rewards have
  one sign, and where a reward ends the episode.
  """

  def __init__(self) -> None:
    super().__init__(name='value_bounds')
    # Finite, as all that is saved: no reward has been seen.
    self._low = tf.Variable(tf.float32.max, name='low')
    self._high = tf.Variable(tf.float32.min, name='high')

  def include(self, r_t: Tensor, d_t: Tensor) -> None:
    """Takes rewards [B] and discounts [B], each less than 1, into account."""
    lasting = r_t / (1.0 - d_t)
    self._low.assign(tf.minimum(self._low, tf.reduce_min(lasting)))
    self._high.assign(tf.maximum(self._high, tf.reduce_max(lasting)))

  def clip(self, values: Tensor) -> Tensor:
    """Returns values [B] with those beyond the bounds at them."""
    return tf.clip_by_value(values, self._low, self._high)
