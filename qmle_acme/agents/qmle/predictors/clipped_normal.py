"""The Gaussian that is clipped to [-1, 1]: the density of what clipping leaves.

With m the mean and s the standard deviation of x ~ N(m, s), a = clip(x, -1, 1) has the
density N(a; m, s) inside, and at the edges the probabilities P(x <= -1) and P(x >= 1):
the likelihood of the two-limit tobit model (Tobin, 1958), in reinforcement learning
that of Fujita and Maeda, "Clipped Action Policy Gradient", 2018 (arXiv 1802.07564).
So samples reach the edges of a box and its corners, where the best actions of many
tasks lie.
"""

import tensorflow as tf

from qmle_acme.types import Seed, Tensor


def parameters(
  raw: Tensor, min_scale: float, max_scale: float
) -> tuple[Tensor, Tensor]:
  """Returns mean and standard deviation, [..., C] each, from a head's output [..., 2C].

  The mean is 2 tanh of the first half: it may leave the box, or no more than half of
  the samples could reach an edge. The standard deviation lies between its bounds by the
  logistic function of the second half. The bounds of both keep gradients finite.
  """
  mean, scale = tf.split(raw, 2, axis=-1)
  return 2.0 * tf.tanh(mean), min_scale + (max_scale - min_scale) * tf.sigmoid(scale)


def log_likelihood(mean: Tensor, scale: Tensor, actions: Tensor) -> Tensor:
  """Returns the log density, or at the edges the log probability, of [...] actions."""
  import tensorflow_probability as tfp  # Takes a while, and few runs need it.

  normal = tfp.distributions.Normal(mean, scale)
  inside = normal.log_prob(actions)
  low, high = normal.log_cdf(-1.0), normal.log_survival_function(1.0)
  return tf.where(actions <= -1.0, low, tf.where(actions >= 1.0, high, inside))


def sample(mean: Tensor, scale: Tensor, seed: Seed) -> Tensor:
  """Returns an action for every mean and standard deviation, [...]."""
  noise = tf.random.stateless_normal(tf.shape(mean), seed)
  return tf.clip_by_value(mean + scale * noise, -1.0, 1.0)
