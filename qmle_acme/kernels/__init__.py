"""Our own TensorFlow operations, in C where speed decides: see each `*_op.c`."""

import pathlib

import tensorflow as tf

_LIBRARY = pathlib.Path(__file__).with_name('_operations.so')
operations = tf.load_op_library(str(_LIBRARY))

__all__ = ['operations']
