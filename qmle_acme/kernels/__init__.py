"""Our own TensorFlow operations, in C where speed decides: see each `*_op.c`."""

import os
import pathlib

import tensorflow as tf

_LIBRARY = pathlib.Path(__file__).with_name('_operations.so')
operations = tf.load_op_library(str(_LIBRARY))


def threads() -> int:
  """Returns as many threads as the environment gives to code like ours.

  Without a number there, one for each core that this process may use. OpenMP takes a
  number for each level of threads; ours have one.
  """
  named = os.environ.get('OMP_NUM_THREADS', '').split(',')[0].strip()
  return (int(named) if named.isdecimal() else 0) or len(os.sched_getaffinity(0))


__all__ = ['operations', 'threads']
