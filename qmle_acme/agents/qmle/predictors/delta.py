"""Delta: one action per state, and a little noise around it."""

import tensorflow as tf

from qmle_acme.actions import ActionSpace
from qmle_acme.agents.qmle.predictors import base
from qmle_acme.types import Seed, Tensor


class Delta(base.Predictor):
  """A deterministic head, tanh onto the box; its likelihood is a fixed Gaussian's.

  Of a digit it is the most likely value, and the likelihood a categorical's.
  """

  def __init__(self, space: ActionSpace, width: int, name: str, noise: float):
    """Initialises.

    Args:
      space: the action space.
      width: H.
      name: of this member of the ensemble.
      noise: standard deviation as a share of the box's half-width, and probability
        that a digit is replaced.
    """
    self._noise = noise
    super().__init__(space, width, name)

  @property
  def num_parameters(self) -> int:
    """P: C continuous dimensions before tanh, then the logits of the digits."""
    return self._space.num_continuous + self._digits.num_parameters

  def sample(self, parameters: Tensor, count: int, seed: Seed) -> Tensor:
    """Returns the head's action first, then noisy copies of it, [B, n, A].

    Continuous dimensions get Gaussian noise; a digit is replaced by a uniformly drawn
    one with the probability `noise`.
    """
    continuous, logits = self._split(parameters)
    means = self._broadcast(tf.tanh(continuous), count)
    noise = self._noise * tf.random.stateless_normal(tf.shape(means), seed)
    is_noisy = tf.cast(tf.range(count) > 0, tf.float32)[:, None]  # [n, 1]
    moved = means + noise * is_noisy
    if not self._has_digits:
      return self._space.clip(moved)
    return self._join(moved, self._noisy_digits(logits, count, seed))

  def loss(self, parameters: Tensor, actions: Tensor) -> Tensor:
    """Returns the squared error in the normalised box, summed over dimensions.

    And the cross entropy with the digits.
    """
    continuous, logits = self._split(parameters)
    targets, digits = self._split(actions)
    loss = tf.reduce_sum(tf.math.squared_difference(tf.tanh(continuous), targets), -1)
    if not self._has_digits:
      return loss
    return loss + self._digits.loss(logits, tf.cast(digits, tf.int32))

  def _noisy_digits(self, logits: Tensor, count: int, seed: Seed) -> Tensor:
    """Returns the most likely digits first, then noisy copies, int64 [B, n, D]."""
    modes = self._broadcast(self._digits.mode(logits), count)
    is_replaced, values = tf.unstack(tf.random.split(seed, 2))
    shape = tf.shape(modes)
    drawn = self._digits.uniform([shape[0], count], values)
    share = tf.random.stateless_uniform(shape, is_replaced)
    is_noisy = tf.range(count)[:, None] > 0  # [n, 1]
    return tf.where(is_noisy & (share < self._noise), drawn, modes)
