"""Optimisers whose whole state exists from the start."""

from collections.abc import Sequence

import sonnet as snt
import tensorflow as tf


def adam(
  learning_rate: float | tf.Variable, parameters: Sequence[tf.Variable]
) -> snt.Optimizer:
  """Returns Adam with its moments, which Sonnet makes in the first step only.

  A checkpoint that is restored and saved again before that would lose them.
  """
  optimizer = snt.optimizers.Adam(learning_rate)
  optimizer.apply([tf.zeros_like(p) for p in parameters], parameters)  # Moves nothing.
  optimizer.step.assign(0)
  return optimizer
