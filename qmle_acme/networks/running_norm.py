"""Normalisation of observations by their running mean and standard deviation.

B batch, O observation; `...` any leading dimensions.
"""

import sonnet as snt
import tensorflow as tf

from qmle_acme.types import Tensor

# Numbers counted at most: from then on what was seen long ago fades.
_MAX_COUNT = 1e6
# A dimension's deviation is at least this share of its mean, about what float32 tells
# apart with certainty, and at least so much: what stands still is then nearly 0.
_LEAST_SHARE = 1e-5
_LEAST = 1e-6
# Normalised numbers are cut off here.
_LIMIT = 10.0


class RunningNorm(snt.Module):
  """(x - mean) / deviation of all that it was shown, cut off at +-10.

  The statistics are variables that are not trained: they travel with the network. Until
  it was shown something, they are 0 and 1. Batches are put together as in Chan, Golub
  and LeVeque, "Updating formulae and a pairwise algorithm", 1979.
  """

  def __init__(self, name: str = 'running_norm'):
    super().__init__(name=name)

  @snt.once
  def _initialize(self, size: int) -> None:
    self.count = tf.Variable(0.0, trainable=False, name='count')
    self.mean = tf.Variable(tf.zeros([size]), trainable=False, name='mean')
    self.deviation = tf.Variable(tf.ones([size]), trainable=False, name='deviation')

  def __call__(self, x: Tensor) -> Tensor:
    """Maps [..., O] to [..., O]; no gradient reaches the statistics."""
    self._initialize(x.shape[-1])
    least = tf.maximum(_LEAST_SHARE * tf.abs(self.mean), _LEAST)
    normalised = (x - self.mean) / tf.maximum(self.deviation, least)
    return tf.clip_by_value(normalised, -_LIMIT, _LIMIT)

  def update(self, batch: Tensor) -> None:
    """Counts a batch [B, O] in. In float64: squares may leave float32."""
    self._initialize(batch.shape[-1])
    batch = tf.cast(batch, tf.float64)
    count, mean, deviation = (
      tf.cast(v, tf.float64) for v in (self.count, self.mean, self.deviation)
    )
    size = tf.cast(tf.shape(batch)[0], tf.float64)
    share = size / (count + size)
    batch_mean, batch_variance = tf.nn.moments(batch, axes=[0])
    shift = batch_mean - mean
    variance = (
      (1.0 - share) * deviation**2
      + share * batch_variance
      + share * (1.0 - share) * shift**2
    )
    self.mean.assign(tf.cast(mean + share * shift, tf.float32))
    self.deviation.assign(tf.cast(tf.sqrt(variance), tf.float32))
    self.count.assign(tf.cast(tf.minimum(count + size, _MAX_COUNT), tf.float32))
