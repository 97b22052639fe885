"""The arg max cache: the best action known for each item in replay.

B batch, A action dimensions, C capacity.
"""

import numpy as np
import tensorflow as tf

from qmle_acme.types import Tensor


class ArgmaxCache(tf.Module):
  """Maps an item's key to the best action known in the state that it leads to.

  Reverb item data cannot be rewritten, so the cache lives beside the learner. It holds
  at most `capacity` keys: a new key displaces the one that was first cached the longest
  ago, as replay displaces its oldest item. Everything runs inside the graph, and
  `tf.train.Checkpoint` saves all of it.
  """

  def __init__(self, capacity: int, size: int):
    """Initialises.

    Args:
      capacity: C, as many keys as replay holds items.
      size: A.
    """
    super().__init__(name='argmax_cache')
    self._capacity = capacity
    self._size = size
    missing = np.full(size, np.nan, np.float32)
    self._actions = tf.lookup.experimental.MutableHashTable(
      tf.int64, tf.float32, missing
    )
    # The keys in the order of their first visit, a ring; `added` counts all of them.
    self._keys = tf.Variable(tf.zeros([capacity], tf.int64), name='keys')
    self._added = tf.Variable(0, dtype=tf.int64, name='added')

  def __len__(self) -> int:
    """Number of keys held."""
    return int(self._actions.size())

  def lookup(self, keys: Tensor, default: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the cached actions [B, A], and which keys were known, bool [B].

    Args:
      keys: int64 [B].
      default: [B, A], what an unknown key falls back to.
    """
    found, is_hit = self._find(keys)
    return tf.where(is_hit[:, None], found, default), is_hit

  def update(self, keys: Tensor, actions: Tensor, values: Tensor) -> None:
    """Caches an action for each key; of equal keys that of the highest value.

    Args:
      keys: int64 [B], B at most C.
      actions: [B, A].
      values: [B], of the actions in the state that the item leads to.
    """
    unique, _ = tf.unique(keys)
    _, is_known = self._find(unique)
    # Insert first: a known key of this batch may be among those that are displaced.
    # Of equal keys the table keeps the last one.
    order = tf.argsort(values, stable=True)
    self._actions.insert(tf.gather(keys, order), tf.gather(actions, order))
    self._admit(tf.boolean_mask(unique, tf.logical_not(is_known)))

  def _find(self, keys: Tensor) -> tuple[Tensor, Tensor]:
    """Returns actions [B, A], NaN where unknown, and which keys are known, bool [B]."""
    found = tf.ensure_shape(self._actions.lookup(keys), [None, self._size])
    return found, tf.logical_not(tf.math.is_nan(found[:, 0]))

  def _admit(self, keys: Tensor) -> None:
    """Enters new unique keys in the ring and drops those that they displace."""
    count = tf.size(keys, tf.int64)
    positions = self._added + tf.range(count)
    slots = (positions % self._capacity)[:, None]
    displaced = tf.gather_nd(self._keys, slots)
    self._actions.remove(tf.boolean_mask(displaced, positions >= self._capacity))
    self._keys.scatter_nd_update(slots, keys)
    self._added.assign_add(count)
