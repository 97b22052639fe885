"""Random Fourier features: what lets a network draw a jagged function.

A network of plain layers learns smooth functions first and jagged ones hardly at all
(spectral bias; for value functions: Li and Pathak, arXiv 2206.04672). C dimensions, D
directions of each scale; `...` any leading dimensions.
"""

import math

import sonnet as snt
import tensorflow as tf

from qmle_acme.types import Tensor

# Standard deviations of the directions' numbers. A wave along a direction of length 1
# has half a period from the middle of [-1, 1] to its end.
SCALES = (0.25, 0.5, 1.0, 2.0)


class FourierFeatures(snt.Module):
  """sin(pi x B), cos(pi x B) and x, with fixed Gaussian directions B [C, 4D].

  The directions are variables that are not trained: they travel with the network.
  """

  def __init__(self, directions: int, name: str = 'fourier_features'):
    """Stores the number of directions.

    Args:
      directions: D, of each of the four scales, at least 1.
      name: of the module.
    """
    super().__init__(name=name)
    self._directions = directions

  @property
  def num_waves(self) -> int:
    """8D, what comes before x."""
    return 2 * len(SCALES) * self._directions

  @snt.once
  def _initialize(self, inputs: Tensor) -> None:
    shape = (inputs.shape[-1], self._directions)
    drawn = tf.concat([tf.random.normal(shape, 0.0, scale) for scale in SCALES], -1)
    self.directions = tf.Variable(drawn, trainable=False, name='directions')

  def __call__(self, inputs: Tensor) -> Tensor:
    """Maps [..., C] to [..., 8D + C]."""
    self._initialize(inputs)
    angles = tf.tensordot(inputs, math.pi * self.directions, 1)  # [..., 4D]
    return tf.concat([tf.sin(angles), tf.cos(angles), inputs], axis=-1)
