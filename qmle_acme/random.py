"""Uniform random numbers in the graph, several times faster than TensorFlow's own.

Philox 4x32-10 (Salmon et al., *Parallel random numbers: as easy as 1, 2, 3*, 2011), as
TensorFlow's, but computed for several counters at once. A learner step draws 150,000
numbers for an action of 6 dimensions.
"""

import contextlib
import contextvars
from collections.abc import Iterator, Sequence

import tensorflow as tf

from qmle_acme.kernels import operations
from qmle_acme.types import Seed, Tensor

_WORD = 0xFFFFFFFF
_is_plain = contextvars.ContextVar('is_plain', default=False)


def uniform(shape: Sequence[int | Tensor], seed: Seed) -> Tensor:
  """Returns float32 numbers [*shape] from [0, 1), multiples of 2^-24.

  Args:
    shape: of the result.
    seed: int32 or int64 [2]; equal seeds give equal numbers.
  """
  count = tf.cast(tf.reduce_prod(shape), tf.int64)
  draw = _plain_uniform if _is_plain.get() else operations.qmle_uniform
  return tf.reshape(draw(count=count, seed=tf.cast(seed, tf.int64)), shape)


@contextlib.contextmanager
def without_kernel() -> Iterator[None]:
  """Has `uniform` draw the same numbers by TensorFlow's own operations, far slower."""
  token = _is_plain.set(True)
  try:
    yield
  finally:
    _is_plain.reset(token)


def _plain_uniform(count: Tensor, seed: Seed) -> Tensor:
  """Returns what the kernel does, [count]; `kernels/random.h` says how.

  Words of 32 bits lie in int64, whose products wrap around: of what the shift to the
  right brings in nothing is left under the mask.
  """
  block = tf.range((count + 3) // 4)
  key, stream = tf.unstack(seed)
  c = [block & _WORD, _high(block)]
  c += [tf.zeros_like(block) + part for part in (stream & _WORD, _high(stream))]
  low_key, high_key = key & _WORD, _high(key)
  for _ in range(10):
    first, second = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
    c = [
      _high(second) ^ c[1] ^ low_key,
      second & _WORD,
      _high(first) ^ c[3] ^ high_key,
      first & _WORD,
    ]
    low_key, high_key = (low_key + 0x9E3779B9) & _WORD, (high_key + 0xBB67AE85) & _WORD
  words = tf.bitwise.right_shift(tf.concat(c, axis=0)[:count], 8)
  return tf.cast(words, tf.float32) * 2.0**-24


def _high(values: Tensor) -> Tensor:
  """Returns the high word of int64 values."""
  return tf.bitwise.right_shift(values, 32) & _WORD
