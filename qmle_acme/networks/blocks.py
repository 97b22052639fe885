"""Building blocks of the networks.

A action dimensions, B batch, H width; `...` any leading dimensions.
"""

from collections.abc import Sequence

import sonnet as snt
import tensorflow as tf

from qmle_acme.actions import ActionSpace
from qmle_acme.networks.fourier import FourierFeatures
from qmle_acme.networks.running_norm import RunningNorm
from qmle_acme.types import Tensor


class Linear(snt.Linear):
  """A linear layer with weights and biases uniform in +-1/sqrt(fan in).

  That is the default of PyTorch, in which the official implementation is written.
  Biases that start at zero would hurt here: a layer normalisation follows the action
  encoder's linear layer, so that the embeddings of a and 2 a would be the same.

  The first inputs may be silent: their weights start at 0 and are learned from there.
  """

  def __init__(
    self, output_size: int, num_silent: int = 0, name: str | None = None
  ) -> None:
    super().__init__(output_size, name=name)
    self._num_silent = num_silent

  @snt.once
  def _initialize(self, inputs: Tensor) -> None:
    bound = (inputs.shape[-1] - self._num_silent) ** -0.5
    self.b_init = snt.initializers.RandomUniform(-bound, bound)
    self.w_init = _Silent(self._num_silent, self.b_init)
    super()._initialize(inputs)


class _Silent(snt.initializers.Initializer):
  """Zeros in the first rows, what another one gives in the others."""

  def __init__(self, count: int, others: snt.initializers.Initializer):
    self._count = count
    self._others = others

  def __call__(self, shape: Sequence[int], dtype: tf.DType) -> Tensor:
    """Returns the initial values."""
    rows, columns = shape
    others = self._others([rows - self._count, columns], dtype)
    return tf.concat([tf.zeros([self._count, columns], dtype), others], axis=0)


class ResidualBlock(snt.Module):
  """`x + Linear(relu(Linear(x)))`, as wide inside as outside."""

  def __init__(self, width: int, name: str = 'residual_block'):
    super().__init__(name=name)
    self.inner = Linear(width, name='inner')
    self.outer = Linear(width, name='outer')

  def __call__(self, x: Tensor) -> Tensor:
    """Maps [..., width] to [..., width]."""
    return x + self.outer(tf.nn.relu(self.inner(x)))


class NormElu(snt.Module):
  """Layer normalisation over the last dimension, then ELU."""

  def __init__(self, name: str = 'norm_elu'):
    super().__init__(name=name)
    self.norm = snt.LayerNorm(axis=-1, create_scale=True, create_offset=True)

  def __call__(self, x: Tensor) -> Tensor:
    """Maps [..., H] to [..., H]."""
    return tf.nn.elu(self.norm(x))


class ObservationEncoder(snt.Module):
  """Linear; residual block; layer normalisation; ELU.

  Attributes:
    running_norm: of the observations, before all else, if they are normalised.
  """

  def __init__(
    self, width: int, normalizes: bool = False, name: str = 'observation_encoder'
  ):
    super().__init__(name=name)
    self.running_norm = RunningNorm() if normalizes else None
    self.linear = Linear(width)
    self.block = ResidualBlock(width)
    self.norm = NormElu()

  def __call__(self, observations: Tensor) -> Tensor:
    """Maps observations [B, O] to embeddings [B, H]."""
    if self.running_norm:
      observations = self.running_norm(observations)
    return self.norm(self.block(self.linear(observations)))


class ActionEncoder(snt.Module):
  """The space's encoding; linear; layer normalisation; ELU.

  With Fourier features the waves are silent at first, so that what is smooth is learned
  as without them.
  """

  def __init__(
    self,
    space: ActionSpace,
    width: int,
    fourier_directions: int = 0,
    name: str = 'action_encoder',
  ):
    """Makes the layers.

    Args:
      space: the action space.
      width: H.
      fourier_directions: of each scale, of the Fourier features that stand in the place
        of the space's inputs; 0 is none.
      name: of the module.
    """
    super().__init__(name=name)
    self.space = space
    has_features = fourier_directions and space.num_inputs
    self.features = FourierFeatures(fourier_directions) if has_features else None
    self.linear = Linear(width, self.features.num_waves if self.features else 0)
    self.norm = NormElu()

  def inputs(self, actions: Tensor) -> Tensor:
    """Returns what the linear layer reads of actions [..., A] before one-hot digits."""
    inputs = self.space.inputs(actions)
    return self.features(inputs) if self.features else inputs

  def __call__(self, actions: Tensor) -> Tensor:
    """Maps actions [..., A] to embeddings [..., H]."""
    encoded = self.inputs(actions)
    if self.space.digit_counts:
      encoded = tf.concat([encoded, self.space.one_hot(actions)], axis=-1)
    return self.norm(self.linear(encoded))
