"""Factored categorical: one categorical over the K bins of each dimension."""

import tensorflow as tf

from qmle_acme.actions import ActionSpace
from qmle_acme.predictors import base
from qmle_acme.types import Seed, Tensor


class Categorical(base.Predictor):
  """Independent categoricals over bins; the target is the nearest bin."""

  def __init__(self, space: ActionSpace, width: int, bins: int, name: str):
    self._bins = bins
    super().__init__(space, width, name)

  @property
  def num_parameters(self) -> int:
    """P = A x K logits."""
    return self._space.size * self._bins

  def sample(self, parameters: Tensor, count: int, seed: Seed) -> Tensor:
    """See base class."""
    logits = tf.reshape(parameters, [-1, self._bins])  # [B * A, K]
    bins = tf.random.stateless_categorical(logits, count, seed)  # [B * A, n]
    per_state = tf.reshape(bins, [-1, self._space.size, count])  # [B, A, n]
    return self._space.from_bins(tf.transpose(per_state, [0, 2, 1]))

  def loss(self, parameters: Tensor, actions: Tensor) -> Tensor:
    """Returns the cross entropy with the nearest bins, summed over dimensions."""
    logits = tf.reshape(parameters, [-1, self._space.size, self._bins])  # [B, A, K]
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(
      self._space.to_bins(actions), logits
    )  # [B, A]
    return tf.reduce_sum(losses, axis=-1)
