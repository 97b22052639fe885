"""Indices whose values are items: each is known by its features, not by its number.

n items, F features of each; A digits of an index; `...` any leading dimensions.
"""

import dataclasses
import functools

import numpy as np
import tensorflow as tf
from dm_env import specs

from qmle_acme.actions import box, discrete
from qmle_acme.actions.item_array import ItemArray
from qmle_acme.actions.nearest import NearestItems
from qmle_acme.types import Tensor


@dataclasses.dataclass(frozen=True)
class Items(discrete.Discrete):
  """One index, of which the network sees the item's features instead of the digits.

  Predictors propose in the box of the features, each from -1, its least value, to 1,
  its largest; an item near by becomes the candidate. Items of the same features are the
  same to the network.

  Attributes:
    spec: with the table of features.
    bins: K of each feature, for predictors that propose on a grid.
  """

  spec: ItemArray
  bins: int

  @property
  def digit_counts(self) -> tuple[int, ...]:
    """See base class; the network reads none."""
    return ()

  @property
  def num_inputs(self) -> int:
    """F."""
    return self.proposal.size

  def inputs(self, actions: Tensor) -> Tensor:
    """Returns the features [..., F] of actions [..., A], each in [-1, 1]."""
    # Digits are few and whole; their sums are below 2^31.
    places = tf.constant(self._places, tf.int32)
    index = tf.reduce_sum(tf.cast(actions, tf.int32) * places, axis=-1)
    return tf.gather(self._nearest.table, tf.minimum(index, self.spec.num_values - 1))

  @functools.cached_property
  def proposal(self) -> box.Box:
    """The box of the features."""
    shape = self.spec.features.shape[1:]
    return box.Box(specs.BoundedArray(shape, np.float32, -1.0, 1.0), self.bins)

  def to_proposal(self, actions: Tensor) -> Tensor:
    """See base class."""
    return self.inputs(actions)

  def from_proposal(self, proposed: Tensor) -> Tensor:
    """Returns the items [B, n, A] near the points [B, n, F]."""
    batch, count, size = proposed.shape
    index = self._nearest(tf.reshape(proposed, [-1, size]))
    index = tf.reshape(tf.cast(index, tf.int64), [batch or -1, count, 1])
    return self._to_digits(index)

  @functools.cached_property
  def _nearest(self) -> NearestItems:
    """Returns the search among the items, by their features in [-1, 1]."""
    low, high = self.spec.features.min(axis=0), self.spec.features.max(axis=0)
    width = np.where(high > low, high - low, 1.0)
    scaled = 2.0 * (self.spec.features - low) / width - 1.0
    return NearestItems(np.where(high > low, scaled, 0.0).astype(np.float32))
