"""Autoregressive categorical: each dimension given those before it.

f(a) is the product over i of f(bin_i | bin_1 ... bin_{i-1}), so that any dependence can
be expressed. The conditionals are those of NADE (Larochelle and Murray, "The neural
autoregressive distribution estimator", 2011), with the state in the hidden layer:

  h_i = relu(c + sum over j < i of W_j[bin_j]),  logits_i = V_i h_i + b_i

where c is the head's output, so the loss needs no loop. B batch, n samples, A action
dimensions, K the largest number of bins, H width.
"""

import numpy as np
import sonnet as snt
import tensorflow as tf

from qmle_acme.actions import ActionSpace
from qmle_acme.agents.qmle.predictors import base
from qmle_acme.types import Seed, Tensor

# The logit of a bin that a dimension does not have; finite, so that gradients are.
_NEVER = -1e9


class Autoregressive(base.Predictor):
  """Categoricals over bins, dimension by dimension; the target is the nearest bin."""

  def __init__(self, space: ActionSpace, width: int, name: str):
    """See base class."""
    self._width = width
    super().__init__(space, width, name)
    counts = np.array(space.bin_counts)
    size, bins = len(counts), counts.max()
    # As `Linear` does: by the number of inputs, of which one per dimension is not zero.
    inputs = snt.initializers.RandomUniform(-(size**-0.5), size**-0.5)
    outputs = snt.initializers.RandomUniform(-(width**-0.5), width**-0.5)
    self._w = tf.Variable(inputs([size, bins, width], tf.float32), name='w')
    self._v = tf.Variable(outputs([size, width, bins], tf.float32), name='v')
    self._b = tf.Variable(outputs([size, bins], tf.float32), name='b')
    self._mask = np.where(np.arange(bins) < counts[:, None], 0.0, _NEVER).astype('f')

  @property
  def num_parameters(self) -> int:
    """P = H: the hidden layer of the first dimension, before relu."""
    return self._width

  def sample(self, parameters: Tensor, count: int, seed: Seed) -> Tensor:
    """See base class; a loop over the dimensions, for all samples at once."""
    hidden = tf.repeat(parameters, count, axis=0)  # [B * n, H]
    seeds = tf.random.split(seed, self._space.size)
    bins = tf.TensorArray(tf.int32, self._space.size, element_shape=[None])
    v, w, b = (
      tf.convert_to_tensor(x) for x in (self._v, self._w, self._b + self._mask)
    )

    def draw(
      i: Tensor, hidden: Tensor, bins: tf.TensorArray
    ) -> tuple[Tensor, Tensor, tf.TensorArray]:
      logits = tf.nn.relu(hidden) @ v[i] + b[i]  # [B * n, K]
      drawn = tf.random.stateless_categorical(logits, 1, seeds[i], tf.int32)[:, 0]
      return i + 1, hidden + tf.gather(w[i], drawn), bins.write(i, drawn)

    *_, bins = tf.while_loop(
      lambda i, *_: i < self._space.size,
      draw,
      (0, hidden, bins),
      maximum_iterations=self._space.size,
    )
    drawn = tf.transpose(bins.stack())  # [B * n, A]
    shape = [tf.shape(parameters)[0], count, self._space.size]
    return self._space.from_bins(tf.reshape(drawn, shape))

  def loss(self, parameters: Tensor, actions: Tensor) -> Tensor:
    """Returns -log f of the nearest bins, [B]."""
    bins = self._space.to_bins(actions)  # [B, A]
    one_hot = tf.one_hot(bins, self._mask.shape[1])  # [B, A, K]
    steps = tf.einsum('bak,akh->bah', one_hot, self._w)
    # The sum over j < i as a product: quicker, once compiled, than a running sum.
    earlier = np.tri(self._space.size, k=-1, dtype=np.float32)
    before = tf.einsum('ij,bjh->bih', earlier, steps)
    hidden = tf.nn.relu(parameters[:, None] + before)  # [B, A, H]
    logits = tf.einsum('bah,ahk->bak', hidden, self._v) + self._b + self._mask
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(bins, logits)  # [B, A]
    return tf.reduce_sum(losses, axis=-1)
