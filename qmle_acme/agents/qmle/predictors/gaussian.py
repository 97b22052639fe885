"""Diagonal Gaussian in the box, clipped to it; digits are independent categoricals."""

import tensorflow as tf

from qmle_acme.actions import ActionSpace
from qmle_acme.agents.qmle.predictors import base, clipped_normal
from qmle_acme.types import Seed, Tensor


class Gaussian(base.Predictor):
  """Independent clipped Gaussians, see `clipped_normal` for their density."""

  def __init__(
    self,
    space: ActionSpace,
    width: int,
    name: str,
    min_scale: float,
    max_scale: float,
  ):
    """Initialises.

    Args:
      space: the action space.
      width: H.
      name: of this member of the ensemble.
      min_scale: least standard deviation, as a share of the box's half-width.
      max_scale: the largest.
    """
    self._scales = min_scale, max_scale
    super().__init__(space, width, name)

  @property
  def num_parameters(self) -> int:
    """P: C means and C standard deviations, then the logits of the digits."""
    return 2 * self._space.num_continuous + self._digits.num_parameters

  def sample(self, parameters: Tensor, count: int, seed: Seed) -> Tensor:
    """See base class."""
    mean, scale, logits = self._unpack(parameters)
    means, scales = self._broadcast(mean, count), self._broadcast(scale, count)
    continuous = clipped_normal.sample(means, scales, seed)
    if not self._has_digits:
      return continuous
    digits = self._digits.sample(logits, count, tf.random.fold_in(seed, 1))
    return self._join(continuous, digits)

  def loss(self, parameters: Tensor, actions: Tensor) -> Tensor:
    """See base class; nothing is left out."""
    mean, scale, logits = self._unpack(parameters)
    continuous, digits = self._split(actions)
    loss = -tf.reduce_sum(clipped_normal.log_likelihood(mean, scale, continuous), -1)
    if not self._has_digits:
      return loss
    return loss + self._digits.loss(logits, tf.cast(digits, tf.int32))

  def _unpack(self, parameters: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns mean [B, C], standard deviation [B, C] and the digits' logits."""
    size = 2 * self._space.num_continuous
    mean, scale = clipped_normal.parameters(parameters[:, :size], *self._scales)
    return mean, scale, parameters[:, size:]
