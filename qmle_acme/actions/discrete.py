"""Discrete actions: one index or several, each seen by the agent as its digits.

An index of up to `MAX_ONE_DIGIT` values is one digit. A larger one is written in a
mixed radix, so that its cost and memory grow with the logarithm of the number of its
values. A digits, A' size of the network's input, M indices of an action; `...` any
leading dimensions.
"""

import dataclasses
import functools
import itertools
import math

import numpy as np
import tensorflow as tf
from dm_env import specs

from qmle_acme.actions import base
from qmle_acme.types import Array, Seed, Tensor

# An index with at most as many values is one digit: the simplest to predict, since each
# value has a probability of its own. But it takes a row of the network's weights, and
# outputs of the predictors, for each value.
MAX_ONE_DIGIT = 64
MAX_RADIX = 16


def digit_counts(values: int) -> tuple[int, ...]:
  """Returns how many values each digit of an index has, the most significant first.

  The fewest digits of at most `MAX_RADIX` values, then the least radix that does with
  as many, then the fewest values of the first digit: little is left over.

  Args:
    values: n, of the index, at least 1.
  """
  if values <= MAX_ONE_DIGIT:
    return (values,)
  length = next(d for d in itertools.count(1) if MAX_RADIX**d >= values)
  radix = next(r for r in itertools.count(2) if r**length >= values)
  rest = radix ** (length - 1)
  return (math.ceil(values / rest), *(radix,) * (length - 1))


@dataclasses.dataclass(frozen=True)
class Discrete(base.ActionSpace):
  """Indices of any number, each from its own minimum to its own maximum, both included.

  Some combinations of digits may stand for no action: they are clipped to the largest
  index.

  Attributes:
    spec: the environment's action spec, of integers or truth values; no dimension has
      more than `support.MAX_VALUES` values.
  """

  spec: specs.BoundedArray

  @property
  def num_continuous(self) -> int:
    """C = 0."""
    return 0

  @functools.cached_property
  def bin_counts(self) -> tuple[int, ...]:
    """See base class; the digits of the first index come first."""
    return tuple(itertools.chain(*map(digit_counts, self.index_counts)))

  @property
  def index_counts(self) -> tuple[int, ...]:
    """See base class; M of them."""
    return tuple(self._values.tolist())

  def sample_uniform(self, shape: tuple[int, ...], seed: Seed) -> Tensor:
    """See base class; no index is more likely than another by more than 1 in 10^10."""
    whole = (*shape, len(self._values))
    if len(set(self._values)) == 1:
      indices = tf.random.stateless_uniform(whole, seed, 0, self._values[0], tf.int64)
    else:
      drawn = tf.random.stateless_uniform(whole, seed, None, None, tf.int64)
      indices = drawn % self._values
    return self._to_digits(indices)

  def sample_proposal(self, shape: tuple[int, int], seed: Seed) -> Tensor:
    """See base class."""
    return self.sample_uniform(shape, seed)

  def clip(self, actions: Tensor) -> Tensor:
    """See base class; the nearest digits, and then at most the largest index."""
    last = tf.constant(self.bin_counts, tf.float32) - 1.0
    digits = tf.clip_by_value(tf.round(actions), 0.0, last)
    if self._is_full:
      return digits
    # Exact: far below 2^53.
    indices = tf.tensordot(tf.cast(digits, tf.float64), self._weights.T, 1)
    is_beyond = tf.gather(indices >= self._values, self._owners, axis=-1)
    return tf.where(is_beyond, self._digits_of(self._values - 1), digits)

  def to_bins(self, actions: Tensor) -> Tensor:
    """See base class."""
    return tf.cast(self.clip(actions), tf.int32)

  def from_bins(self, bins: Tensor) -> Tensor:
    """See base class."""
    actions = tf.cast(bins, tf.float32)
    return actions if self._is_full else self.clip(actions)

  def to_environment(self, action: Array) -> np.ndarray:
    """Returns the indices in the spec's shape and dtype, from its minimum on."""
    indices = self._weights.astype(np.int64) @ action.astype(np.int64)
    shifted = np.minimum(indices, self._values - 1) + self._minimum
    return shifted.reshape(self.spec.shape).astype(self.spec.dtype)

  def to_environments(self, actions: Tensor) -> Tensor:
    """See base class."""
    # Exact: far below 2^53.
    indices = tf.tensordot(tf.cast(actions, tf.float64), self._weights.T, 1)
    shifted = tf.minimum(tf.cast(indices, tf.int64), self._values - 1) + self._minimum
    return tf.cast(tf.reshape(shifted, [-1, *self.spec.shape]), self.spec.dtype)

  def from_environment(self, action: Array) -> np.ndarray:
    """Returns the digits [A]; the inverse of `to_environment`."""
    indices = np.asarray(action).astype(np.int64).reshape(-1) - self._minimum
    indices = np.clip(indices, 0, self._values - 1)
    return self._digits_of(indices)

  def _to_digits(self, indices: Tensor) -> Tensor:
    """Returns the digits, float32 [..., A], of indices, int64 [..., M]."""
    if len(self._values) == self.size:
      return tf.cast(indices, tf.float32)
    if len(self._values) > 1:
      indices = tf.gather(indices, self._owners, axis=-1)
    digits = indices // self._places % tf.constant(self.bin_counts, tf.int64)
    return tf.cast(digits, tf.float32)

  def _digits_of(self, indices: np.ndarray) -> np.ndarray:
    """Returns the digits, float32 [A], of indices [M], as `_to_digits` does."""
    digits = indices[self._owners] // self._places % self.bin_counts
    return digits.astype(np.float32)

  @functools.cached_property
  def _minimum(self) -> np.ndarray:
    """Returns the least value of each index, int64 [M]."""
    minimum = np.asarray(self.spec.minimum).astype(np.int64)
    return np.broadcast_to(minimum, self.spec.shape).reshape(-1)

  @functools.cached_property
  def _values(self) -> np.ndarray:
    """Returns the number of values of each index, int64 [M]."""
    maximum = np.asarray(self.spec.maximum).astype(np.int64)
    return np.broadcast_to(maximum, self.spec.shape).reshape(-1) - self._minimum + 1

  @functools.cached_property
  def _owners(self) -> np.ndarray:
    """Returns the index that each digit is of, int64 [A]."""
    lengths = [len(digit_counts(values)) for values in self.index_counts]
    return np.repeat(np.arange(len(lengths)), lengths)

  @functools.cached_property
  def _places(self) -> np.ndarray:
    """Returns what 1 in each digit adds to its index, int64 [A]."""
    counts = map(digit_counts, self.index_counts)
    places = [[math.prod(k[i + 1 :]) for i in range(len(k))] for k in counts]
    return np.array(list(itertools.chain(*places)), np.int64)

  @functools.cached_property
  def _weights(self) -> np.ndarray:
    """Returns the matrix from digits to indices, float64 [M, A]."""
    return np.where(
      np.arange(len(self._values))[:, None] == self._owners, self._places, 0.0
    )

  @functools.cached_property
  def _is_full(self) -> bool:
    """Returns whether every combination of digits stands for an action."""
    return all(math.prod(digit_counts(n)) == n for n in self.index_counts)
