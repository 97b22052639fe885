"""The item nearest to a point, at a cost that hardly grows with the number of items.

Few items are all compared. Many lie in a tree: every node halves its items at the
median of the feature in which they differ most, down to leaves of at most 32. A point
goes down to one leaf, and the nearest item there is taken: near, not always the nearest
of all. n items, F features, Q points, L items of a leaf.
"""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from qmle_acme.types import Array, Tensor

# As many are compared with each point: exact below, and a leaf of the tree above.
_MOST_COMPARED = 1024
_LEAF = 32
# Items of a node by which its feature is chosen.
_SAMPLED = 256


class _Tree(NamedTuple):
  """Nodes in the order of a heap: those of a level lie together, from the root on."""

  features: Array  # [2^depth - 1] int32, by which a node halves its items
  medians: Array  # [2^depth - 1], an item with at least as much lies to the right
  leaves: Array  # [2^depth, L] int32, indices of items
  points: Array  # [2^depth, L, F], their features, together for the memory's sake


class NearestItems:
  """Finds the nearest of items by the squared distance of their features."""

  def __init__(self, table: Array):
    """Builds the tree, if one is needed; for a million items a few seconds.

    Args:
      table: [n, F], float32.
    """
    tree = _grow(table) if len(table) > _MOST_COMPARED else None
    # Outside of any graph: within one, the table would become a part of it.
    with tf.init_scope():
      self.table = tf.constant(table)
      self._tree = tree and _Tree(*(tf.constant(x) for x in tree))
    self._depth = len(tree.leaves).bit_length() - 1 if tree else 0

  def __call__(self, points: Tensor) -> Tensor:
    """Returns indices, int32 [Q], of items near the points [Q, F]."""
    if self._tree is None:
      squares = tf.reduce_sum(tf.square(self.table), axis=1)
      distances = squares - 2.0 * tf.matmul(points, self.table, transpose_b=True)
      return tf.argmin(distances, axis=1, output_type=tf.int32)
    place = tf.zeros(tf.shape(points)[:1], tf.int32)  # Within the level.
    for level in range(self._depth):
      node = place + (2**level - 1)
      feature = tf.gather(self._tree.features, node)
      value = tf.gather(points, feature, axis=1, batch_dims=1)
      is_right = value >= tf.gather(self._tree.medians, node)
      place = 2 * place + tf.cast(is_right, tf.int32)
    difference = tf.gather(self._tree.points, place) - points[:, None]  # [Q, L, F]
    distances = tf.reduce_sum(tf.square(difference), axis=-1)
    best = tf.argmin(distances, axis=1, output_type=tf.int32)
    return tf.gather_nd(self._tree.leaves, tf.stack([place, best], axis=1))


def _grow(table: Array) -> _Tree:
  """Returns the tree of a table [n, F], all nodes of a level at once."""
  depth = (-(-len(table) // _LEAF) - 1).bit_length()
  leaf = -(-len(table) // 2**depth)
  # Some items come twice, so that all leaves are as long.
  items = np.arange(leaf * 2**depth, dtype=np.int32)[None] % len(table)
  np.random.default_rng(0).shuffle(items[0])
  features, medians = [], []
  for _ in range(depth):
    feature = table[items[:, :_SAMPLED]].var(axis=1).argmax(axis=1)
    values = table[items, feature[:, None]]  # [nodes, items of each]
    half = items.shape[1] // 2
    order = np.argpartition(values, half, axis=1)
    medians.append(np.take_along_axis(values, order[:, half : half + 1], 1)[:, 0])
    features.append(feature.astype(np.int32))
    items = np.take_along_axis(items, order, axis=1).reshape(-1, half)
  return _Tree(np.concatenate(features), np.concatenate(medians), items, table[items])
