"""Networks and policies as functions of a seed, though TensorFlow has one for all."""

import contextlib
import threading
from collections.abc import Iterator

import tensorflow as tf

_LOCK = threading.Lock()


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
  """Has TensorFlow draw by this seed; where nodes are threads, one after the other.

  A graph keeps the seed that is set while it is traced: what draws random numbers at
  each call must be called for the first time in here.
  """
  with _LOCK:
    tf.random.set_seed(seed)
    yield
