"""What the agent needs to know about an action space.

Inside the agent an action is one float32 vector [A] in the agent's own coordinates, so
that candidates, cache and replay are plain tensors whatever the space; it becomes an
action of the environment only where the actor hands it over. Its first C dimensions are
continuous, in [-1, 1]; each of the others is a digit, one of 0 ... K_i - 1, which a
float32 holds exactly. A action dimensions, C continuous ones of them, A' size of the
network's input: the continuous dimensions, then every digit one-hot; K_i bins of
dimension i; `...` any leading dimensions.
"""

import abc
import functools
from typing import Any

import numpy as np
import tensorflow as tf
import tree

from qmle_acme.types import Array, Seed, Tensor


class ActionSpace(abc.ABC):
  """Samples, encodes and converts the actions of one space.

  Attributes:
    spec: the environment's action spec.
  """

  spec: Any

  @property
  @abc.abstractmethod
  def num_continuous(self) -> int:
    """C, the number of continuous dimensions; they come first."""

  @property
  @abc.abstractmethod
  def bin_counts(self) -> tuple[int, ...]:
    """K_i of each dimension: grid points of a continuous one, values of a digit."""

  @property
  @abc.abstractmethod
  def index_counts(self) -> tuple[int, ...]:
    """The number of values of each index; one index may have several digits."""

  @property
  def size(self) -> int:
    """A, the number of action dimensions."""
    return len(self.bin_counts)

  @abc.abstractmethod
  def sample_uniform(self, shape: tuple[int, ...], seed: Seed) -> Tensor:
    """Returns actions [*shape, A] drawn uniformly from the space."""

  @abc.abstractmethod
  def sample_proposal(self, shape: tuple[int, int], seed: Seed) -> Tensor:
    """Returns actions [B, n, A] of the uniform proposal for `shape` = (B, n).

    In continuous dimensions half of them are uniform in the box and half uniform on the
    grid of the K bins of each dimension, which reaches the corners; digits are uniform.
    """

  @functools.cached_property
  def noop(self) -> np.ndarray | None:
    """The action [A] that does nothing, if the spec tells one (`NoopArray`)."""
    told = tree.map_structure(lambda leaf: getattr(leaf, 'noop', None), self.spec)
    if any(leaf is None for leaf in tree.flatten(told)):
      return None
    return self.from_environment(told)

  def sample_near_noop(self, shape: tuple[int, ...], seed: Seed) -> Tensor:
    """Returns actions [*shape, A] that differ in little from the one that does nothing.

    Each dimension is drawn anew with probability 1 / A: one of them in the mean.
    """
    where_seed, drawn_seed = tf.unstack(tf.random.split(seed, 2))
    chance = tf.random.stateless_uniform((*shape, self.size), where_seed)
    drawn = self.sample_uniform(shape, drawn_seed)
    return self.clip(tf.where(chance < 1.0 / self.size, drawn, self.noop))

  @property
  def digit_counts(self) -> tuple[int, ...]:
    """K_i of the digits, which the network reads one-hot."""
    return self.bin_counts[self.num_continuous :]

  @property
  def num_inputs(self) -> int:
    """The number of what the network reads as it is: C."""
    return self.num_continuous

  def inputs(self, actions: Tensor) -> Tensor:
    """Returns what the network reads as it is, [..., C], of actions [..., A]."""
    # Without a slice of all, so that TensorFlow can fuse what makes and takes them.
    return actions[..., : self.num_continuous] if self.digit_counts else actions

  def one_hot(self, actions: Tensor) -> Tensor:
    """Returns the digits of actions [..., A], each one-hot, [..., A' - C]."""
    counts = self.digit_counts
    values = np.concatenate([np.arange(k, dtype=np.float32) for k in counts])
    owners = np.repeat(np.arange(len(counts)), counts)
    digits = tf.gather(actions[..., self.size - len(counts) :], owners, axis=-1)
    return tf.cast(digits == values, tf.float32)

  @property
  def proposal(self) -> 'ActionSpace':
    """The space in which predictors propose: this one, if no other one is nearer."""
    return self

  def to_proposal(self, actions: Tensor) -> Tensor:
    """Returns actions [..., A] as the proposal space has them, [..., A of that]."""
    return actions

  def from_proposal(self, proposed: Tensor) -> Tensor:
    """Returns the actions [B, n, A] that are near what was proposed, [B, n, ...]."""
    return proposed

  @abc.abstractmethod
  def clip(self, actions: Tensor) -> Tensor:
    """Returns the nearest actions [..., A] that lie inside the space."""

  @abc.abstractmethod
  def to_bins(self, actions: Tensor) -> Tensor:
    """Returns the nearest bin of each dimension, int32 [..., A], for [..., A]."""

  @abc.abstractmethod
  def from_bins(self, bins: Tensor) -> Tensor:
    """Returns the actions [..., A] nearest to the bins [..., A] (whole numbers)."""

  @abc.abstractmethod
  def to_environment(self, action: Array) -> Any:
    """Returns the environment's form of one action [A]."""

  @abc.abstractmethod
  def to_environments(self, actions: Tensor) -> Any:
    """Returns what `to_environment` does for actions [B, A], in the graph.

    Arrays, or a nest of them, are [B, ...] and have the dtype of their spec.
    """

  @abc.abstractmethod
  def from_environment(self, action: Any) -> np.ndarray:
    """Returns one action [A] for the environment's form of it."""
