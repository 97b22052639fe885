"""Independent categoricals, one for each of some dimensions.

B batch, n samples, D dimensions, K_i bins of dimension i, P = the sum of all K_i.
"""

import itertools
from collections.abc import Sequence

import tensorflow as tf

from qmle_acme import random
from qmle_acme.types import Seed, Tensor


class Factored:
  """Categoricals over bins, parametrised by all their logits in one vector."""

  def __init__(self, bin_counts: Sequence[int]):
    """Initialises.

    Args:
      bin_counts: K_i of each dimension; may be empty.
    """
    # Runs of dimensions with as many bins: one operation for each run.
    self._runs = [(k, len(list(run))) for k, run in itertools.groupby(bin_counts)]
    self.num_parameters = sum(bin_counts)

  def sample(self, parameters: Tensor, count: int, seed: Seed) -> Tensor:
    """Returns bins, int64 [B, n, D], for logits [B, P]."""
    seeds = [seed, *(tf.random.fold_in(seed, i) for i in range(1, len(self._runs)))]
    parts = []
    for logits, run_seed in zip(self._split(parameters), seeds, strict=True):
      batch, size, values = tf.unstack(tf.shape(logits))
      bounds = tf.cumsum(tf.nn.softmax(logits), axis=-1)[..., :-1]
      # The first bin whose cumulative probability lies above a number. Not by
      # `tf.searchsorted`, which fails where there are no numbers.
      bins = tf.raw_ops.UpperBound(
        sorted_inputs=tf.reshape(bounds, [batch * size, values - 1]),
        values=random.uniform([batch * size, count], run_seed),
        out_type=tf.int64,
      )
      bins = tf.reshape(bins, [batch, size, count])
      parts.append(tf.linalg.matrix_transpose(bins))  # [B, n, D']
    return _join(parts)

  def mode(self, parameters: Tensor) -> Tensor:
    """Returns the most likely bins, int64 [..., D], for logits [..., P]."""
    return _join([tf.argmax(logits, axis=-1) for logits in self._split(parameters)])

  def uniform(self, shape: Sequence[int | Tensor], seed: Seed) -> Tensor:
    """Returns uniformly drawn bins, int64 [*shape, D]."""
    return _join(
      [
        tf.random.stateless_uniform(
          [*shape, size], tf.random.fold_in(seed, i), 0, k, tf.int64
        )
        for i, (k, size) in enumerate(self._runs)
      ]
    )

  def loss(self, parameters: Tensor, bins: Tensor) -> Tensor:
    """Returns -log f(bins), [...], for logits [..., P] and bins [..., D] (integers)."""
    sizes = [size for _, size in self._runs]
    pairs = zip(self._split(parameters), tf.split(bins, sizes, axis=-1), strict=True)
    return tf.add_n(
      [
        tf.reduce_sum(
          tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits), axis=-1
        )
        for logits, labels in pairs
      ]
    )

  def _split(self, parameters: Tensor) -> list[Tensor]:
    """Returns the logits [..., D', K] of each run of dimensions."""
    parts = tf.split(parameters, [k * size for k, size in self._runs], axis=-1)
    leading = tf.unstack(tf.shape(parameters)[:-1])
    return [
      tf.reshape(part, [*leading, size, k])
      for part, (k, size) in zip(parts, self._runs, strict=True)
    ]


def _join(parts: list[Tensor]) -> Tensor:
  """Returns the dimensions of all runs, one after the other."""
  return tf.concat(parts, axis=-1)
