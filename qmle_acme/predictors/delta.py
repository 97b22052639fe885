"""Delta: one action per state, and a little noise around it."""

import tensorflow as tf

from qmle_acme.predictors import base
from qmle_acme.types import Seed, Tensor

# Standard deviation of the noise, as a share of the box's half-width.
NOISE = 0.1


class Delta(base.Predictor):
  """A deterministic head, tanh onto the box; its likelihood is a fixed Gaussian's."""

  @property
  def num_parameters(self) -> int:
    """P = A, the action before tanh."""
    return self._space.size

  def sample(self, parameters: Tensor, count: int, seed: Seed) -> Tensor:
    """Returns the head's action first, then noisy copies of it, [B, n, A]."""
    means = self._broadcast(tf.tanh(parameters), count)
    noise = NOISE * tf.random.stateless_normal(tf.shape(means), seed)
    is_noisy = tf.cast(tf.range(count) > 0, tf.float32)[:, None]  # [n, 1]
    return self._space.clip(means + noise * is_noisy)

  def loss(self, parameters: Tensor, actions: Tensor) -> Tensor:
    """Returns the squared error in the normalised box, summed over dimensions."""
    return tf.reduce_sum(tf.math.squared_difference(tf.tanh(parameters), actions), -1)
