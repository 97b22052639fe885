"""Mixture of diagonal clipped Gaussians; digits are categoricals of the component.

Within a component all dimensions are independent; the mixture can express dependence
between them, and several modes. M components.
"""

import tensorflow as tf

from qmle_acme.actions import ActionSpace
from qmle_acme.agents.qmle.predictors import base, clipped_normal
from qmle_acme.types import Seed, Tensor


class Mixture(base.Predictor):
  """log f(a) = log sum over k of w_k f_k(a), see `clipped_normal` for f_k."""

  def __init__(
    self,
    space: ActionSpace,
    width: int,
    name: str,
    components: int,
    min_scale: float,
    max_scale: float,
  ):
    """Initialises.

    Args:
      space: the action space.
      width: H.
      name: of this member of the ensemble.
      components: M.
      min_scale: least standard deviation, as a share of the box's half-width.
      max_scale: the largest.
    """
    self._components = components
    self._scales = min_scale, max_scale
    super().__init__(space, width, name)

  @property
  def num_parameters(self) -> int:
    """P: for each component the logit of w_k, and what f_k takes."""
    return self._components * (1 + self._component_size)

  @property
  def _component_size(self) -> int:
    """The number of parameters of one component."""
    return 2 * self._space.num_continuous + self._digits.num_parameters

  def sample(self, parameters: Tensor, count: int, seed: Seed) -> Tensor:
    """See base class."""
    which_seed, continuous_seed, digit_seed = tf.unstack(tf.random.split(seed, 3))
    weights, components = self._unpack(parameters)
    which = tf.random.stateless_categorical(weights, count, which_seed)  # [B, n]
    chosen = tf.gather(components, which, axis=1, batch_dims=1)  # [B, n, P']
    mean, scale, logits = self._unpack_components(chosen)
    continuous = clipped_normal.sample(mean, scale, continuous_seed)
    if not self._has_digits:
      return continuous
    rows = tf.reshape(logits, [-1, self._digits.num_parameters])  # [B * n, P'']
    digits = self._digits.sample(rows, 1, digit_seed)  # [B * n, 1, D]
    shape = [tf.shape(parameters)[0], count, digits.shape[-1]]
    return self._join(continuous, tf.reshape(digits, shape))

  def loss(self, parameters: Tensor, actions: Tensor) -> Tensor:
    """See base class; nothing is left out."""
    weights, components = self._unpack(parameters)
    mean, scale, logits = self._unpack_components(components)
    continuous, digits = self._split(actions[:, None])  # [B, 1, C], [B, 1, D]
    densities = clipped_normal.log_likelihood(mean, scale, continuous)  # [B, M, C]
    log_likelihood = tf.reduce_sum(densities, axis=-1)  # [B, M]
    if self._has_digits:
      repeated = tf.repeat(tf.cast(digits, tf.int32), self._components, axis=1)
      log_likelihood -= self._digits.loss(logits, repeated)
    return -tf.reduce_logsumexp(tf.nn.log_softmax(weights) + log_likelihood, axis=-1)

  def _unpack(self, parameters: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the logits of the weights, [B, M], and the components [B, M, P']."""
    weights, components = tf.split(parameters, [self._components, -1], axis=-1)
    shape = [-1, self._components, self._component_size]
    return weights, tf.reshape(components, shape)

  def _unpack_components(self, components: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Returns mean, standard deviation and the digits' logits, for [..., P']."""
    size = 2 * self._space.num_continuous
    mean, scale = clipped_normal.parameters(components[..., :size], *self._scales)
    return mean, scale, components[..., size:]
