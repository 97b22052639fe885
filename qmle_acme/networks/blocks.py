"""Building blocks of the networks.

A action dimensions, B batch, H width; `...` any leading dimensions.
"""

import sonnet as snt
import tensorflow as tf

from qmle_acme.actions import ActionSpace
from qmle_acme.types import Tensor


class Linear(snt.Linear):
  """A linear layer with weights and biases uniform in +-1/sqrt(fan in).

  That is the default of PyTorch, in which the official implementation is written.
  Biases that start at zero would hurt here: a layer normalisation follows the action
  encoder's linear layer, so that the embeddings of a and 2 a would be the same.
  """

  @snt.once
  def _initialize(self, inputs: Tensor) -> None:
    bound = inputs.shape[-1] ** -0.5
    self.w_init = self.b_init = snt.initializers.RandomUniform(-bound, bound)
    super()._initialize(inputs)


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
  """Linear; residual block; layer normalisation; ELU."""

  def __init__(self, width: int, name: str = 'observation_encoder'):
    super().__init__(name=name)
    self.linear = Linear(width)
    self.block = ResidualBlock(width)
    self.norm = NormElu()

  def __call__(self, observations: Tensor) -> Tensor:
    """Maps observations [B, O] to embeddings [B, H]."""
    return self.norm(self.block(self.linear(observations)))


class ActionEncoder(snt.Module):
  """The space's encoding; linear; layer normalisation; ELU."""

  def __init__(self, space: ActionSpace, width: int, name: str = 'action_encoder'):
    super().__init__(name=name)
    self.space = space
    self.linear = Linear(width)
    self.norm = NormElu()

  def __call__(self, actions: Tensor) -> Tensor:
    """Maps actions [..., A] to embeddings [..., H]."""
    return self.norm(self.linear(self.space.encode(actions)))
