"""Hybrid actions: tuples, lists and dictionaries of boxes and indices, however nested.

The agent sees all continuous parts as one box and all discrete parts as one list of
indices, so that what a candidate costs does not depend on how they are nested.
A action dimensions, C continuous ones of them; `...` any leading dimensions.
"""

import dataclasses
import functools
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
import tree
from dm_env import specs

from qmle_acme.actions import base, box, discrete
from qmle_acme.types import Array, Seed, Tensor


@dataclasses.dataclass(frozen=True)
class Hybrid(base.ActionSpace):
  """A nest of boxes and indices.

  Attributes:
    spec: a nest of specs, those of floats as `Box` takes them and all others as
      `Discrete` does.
    bins: K of each continuous dimension, at least 2.
  """

  spec: Any
  bins: int

  @property
  def num_continuous(self) -> int:
    """C, over all parts."""
    return sum(part.num_continuous for part in self._parts)

  @functools.cached_property
  def bin_counts(self) -> tuple[int, ...]:
    """See base class."""
    return tuple(itertools.chain(*(part.bin_counts for part in self._parts)))

  @property
  def index_counts(self) -> tuple[int, ...]:
    """See base class."""
    return tuple(itertools.chain(*(part.index_counts for part in self._parts)))

  def sample_uniform(self, shape: tuple[int, ...], seed: Seed) -> Tensor:
    """See base class."""
    pairs = zip(self._parts, self._seeds(seed), strict=True)
    return tf.concat([part.sample_uniform(shape, s) for part, s in pairs], axis=-1)

  def sample_proposal(self, shape: tuple[int, int], seed: Seed) -> Tensor:
    """See base class."""
    pairs = zip(self._parts, self._seeds(seed), strict=True)
    return tf.concat([part.sample_proposal(shape, s) for part, s in pairs], axis=-1)

  def clip(self, actions: Tensor) -> Tensor:
    """See base class."""
    return self._map(lambda part, x: part.clip(x), actions)

  def to_bins(self, actions: Tensor) -> Tensor:
    """See base class."""
    return self._map(lambda part, x: part.to_bins(x), actions)

  def from_bins(self, bins: Tensor) -> Tensor:
    """See base class."""
    return self._map(lambda part, x: part.from_bins(x), bins)

  def to_environment(self, action: Array) -> Any:
    """Returns the nest, every leaf in its spec's shape, dtype and bounds."""
    ends = np.cumsum([part.size for part in self._parts])[:-1]
    flat = [
      part.to_environment(values)
      for part, values in zip(self._parts, np.split(action, ends), strict=True)
    ]
    leaves: dict[int, Array] = {}
    for members, values in zip(self._members, flat, strict=True):
      ends = np.cumsum([_length(self._leaves[i]) for i in members])[:-1]
      leaves |= zip(members, np.split(values, ends), strict=True)
    shaped = [
      leaves[i].reshape(leaf.shape).astype(leaf.dtype)
      for i, leaf in enumerate(self._leaves)
    ]
    return tree.unflatten_as(self.spec, shaped)

  def to_environments(self, actions: Tensor) -> Any:
    """See base class."""
    dimensions = tf.split(actions, [part.size for part in self._parts], axis=-1)
    leaves: dict[int, Tensor] = {}
    for part, members, own in zip(self._parts, self._members, dimensions, strict=True):
      lengths = [_length(self._leaves[i]) for i in members]
      values = tf.split(part.to_environments(own), lengths, axis=-1)
      leaves |= zip(members, values, strict=True)
    shaped = [
      tf.cast(tf.reshape(leaves[i], [-1, *leaf.shape]), leaf.dtype)
      for i, leaf in enumerate(self._leaves)
    ]
    return tree.unflatten_as(self.spec, shaped)

  def from_environment(self, action: Any) -> np.ndarray:
    """Returns one action [A] for the nest of it."""
    leaves = tree.flatten_up_to(self.spec, action, check_types=False)
    parts = [
      part.from_environment(np.concatenate([np.ravel(leaves[i]) for i in members]))
      for part, members in zip(self._parts, self._members, strict=True)
    ]
    return np.concatenate(parts)

  def _map(
    self, function: Callable[[base.ActionSpace, Tensor], Tensor], x: Tensor
  ) -> Tensor:
    """Returns what a function makes of each part and its dimensions of x [..., A]."""
    dimensions = tf.split(x, [part.size for part in self._parts], axis=-1)
    pairs = zip(self._parts, dimensions, strict=True)
    return tf.concat([function(part, values) for part, values in pairs], axis=-1)

  def _seeds(self, seed: Seed) -> list[Seed]:
    """Returns a seed for each part."""
    return tf.unstack(tf.random.split(seed, len(self._parts)))

  @functools.cached_property
  def _leaves(self) -> list[specs.BoundedArray]:
    """Returns the specs in the nest, in its own order."""
    return tree.flatten(self.spec)

  @functools.cached_property
  def _members(self) -> list[list[int]]:
    """Returns the places of the continuous leaves and of the others; no empty list."""
    is_float = [leaf.dtype.kind == 'f' for leaf in self._leaves]
    kinds = [[i for i, x in enumerate(is_float) if x == kind] for kind in (True, False)]
    return [members for members in kinds if members]

  @functools.cached_property
  def _parts(self) -> list[base.ActionSpace]:
    """Returns the box of all continuous leaves, then the indices of all others."""
    parts: list[base.ActionSpace] = []
    for members in self._members:
      leaves = [self._leaves[i] for i in members]
      if leaves[0].dtype.kind == 'f':
        parts.append(box.Box(_flat(leaves, np.float64), self.bins))
      else:
        parts.append(discrete.Discrete(_flat(leaves, np.int64)))
    return parts


def _length(leaf: specs.BoundedArray) -> int:
  """Returns the number of values in an action of a leaf."""
  return int(np.prod(leaf.shape))


def _flat(leaves: list[specs.BoundedArray], dtype: type) -> specs.BoundedArray:
  """Returns the spec of the values of all leaves in one vector."""
  low, high = (
    np.concatenate(
      [
        np.broadcast_to(getattr(leaf, bound), leaf.shape).ravel().astype(dtype)
        for leaf in leaves
      ]
    )
    for bound in ('minimum', 'maximum')
  )
  return specs.BoundedArray(low.shape, dtype, low, high)
