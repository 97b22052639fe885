"""Continuous actions: a box, seen by the agent as [-1, 1] in every dimension."""

import dataclasses
import functools

import numpy as np
import tensorflow as tf
from dm_env import specs

from qmle_acme import random
from qmle_acme.actions import base
from qmle_acme.types import Array, Seed, Tensor


@dataclasses.dataclass(frozen=True)
class Box(base.ActionSpace):
  """A box of any bounds and shape, with K bins per dimension.

  The bins are the K equidistant points from the lower to the upper bound, both
  included. A dimension whose bounds are equal is none of the agent's.

  Attributes:
    spec: the environment's action spec; its bounds are finite.
    bins: K, at least 2.
  """

  spec: specs.BoundedArray
  bins: int

  @property
  def num_continuous(self) -> int:
    """C = A, the number of dimensions with some width."""
    return int(self._has_width.sum())

  @property
  def bin_counts(self) -> tuple[int, ...]:
    """K for every dimension."""
    return (self.bins,) * self.num_continuous

  @property
  def index_counts(self) -> tuple[int, ...]:
    """See base class; there is no index."""
    return ()

  def sample_uniform(self, shape: tuple[int, ...], seed: Seed) -> Tensor:
    """See base class."""
    return 2.0 * random.uniform((*shape, self.size), seed) - 1.0

  def sample_proposal(self, shape: tuple[int, int], seed: Seed) -> Tensor:
    """See base class; the odd one of an odd number is drawn from the box."""
    batch, count = shape
    box_seed, grid_seed = tf.unstack(tf.random.split(seed, 2))
    box = self.sample_uniform((batch, count - count // 2), box_seed)
    grid = random.uniform((batch, count // 2, self.size), grid_seed)
    # Below K even when rounded: a number below 1 is so by at least 2^-24.
    bins = tf.floor(self.bins * grid)
    return tf.concat([box, self.from_bins(bins)], axis=1)  # [B, n, A]

  def clip(self, actions: Tensor) -> Tensor:
    """See base class."""
    return tf.clip_by_value(actions, -1.0, 1.0)

  def to_bins(self, actions: Tensor) -> Tensor:
    """See base class; half-way points go to the even bin."""
    scaled = (self.clip(actions) + 1.0) * (0.5 * (self.bins - 1))
    return tf.cast(tf.round(scaled), tf.int32)

  def from_bins(self, bins: Tensor) -> Tensor:
    """See base class."""
    # One rounding, of a ratio of integers: the ends are exactly -1 and 1 for every K.
    last = self.bins - 1
    return (2.0 * tf.cast(bins, tf.float32) - last) / last

  def to_environment(self, action: Array) -> np.ndarray:
    """Returns the action in the spec's shape, dtype and bounds."""
    low, high = self._bounds
    share = np.zeros(low.shape)
    share[self._has_width] = 0.5 * (action.astype(np.float64) + 1.0)
    # A weighted mean, since `low + (high - low)` may round to something below `high`.
    clipped = np.clip((1.0 - share) * low + share * high, low, high)
    return clipped.reshape(self.spec.shape).astype(self.spec.dtype)

  def to_environments(self, actions: Tensor) -> Tensor:
    """See base class."""
    low, high = self._bounds
    # Every dimension of the spec has the share of its own, or none.
    places = np.eye(len(low))[self._has_width]  # [A, dimensions of the spec]
    share = tf.tensordot(0.5 * (tf.cast(actions, tf.float64) + 1.0), places, 1)
    clipped = tf.clip_by_value((1.0 - share) * low + share * high, low, high)
    return tf.cast(tf.reshape(clipped, [-1, *self.spec.shape]), self.spec.dtype)

  def from_environment(self, action: Array) -> np.ndarray:
    """Returns the action [A] in [-1, 1]; the inverse of `to_environment`."""
    values = np.asarray(action, np.float64).reshape(-1)
    rows = (values, *self._bounds)
    values, low, high = (row[self._has_width] for row in rows)
    unit = 2.0 * (values - low) / (high - low) - 1.0
    return np.clip(unit, -1.0, 1.0).astype(np.float32)

  @functools.cached_property
  def _has_width(self) -> np.ndarray:
    """Returns in which of the spec's dimensions the bounds differ, bool."""
    low, high = self._bounds
    return low < high

  @functools.cached_property
  def _bounds(self) -> tuple[np.ndarray, np.ndarray]:
    """Returns the lower and upper bound of the spec's dimensions, float64 each."""
    shape, spec = self.spec.shape, self.spec
    low = np.broadcast_to(np.asarray(spec.minimum, np.float64), shape)
    high = np.broadcast_to(np.asarray(spec.maximum, np.float64), shape)
    return low.reshape(-1), high.reshape(-1)
