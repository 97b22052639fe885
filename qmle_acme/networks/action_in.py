"""The action-in Q-network: Q(s, a) from both the observation and the action.

B batch, N candidates, A action dimensions, H width. See arXiv 2410.06317, section
on action-in architectures: the cost does not grow with the number of actions.
"""

import sonnet as snt
import tensorflow as tf

from qmle_acme import kernels
from qmle_acme.actions import ActionSpace
from qmle_acme.networks import blocks
from qmle_acme.types import Tensor


class ActionInQNetwork(snt.Module):
  """Values of candidate actions of a state.

  The torso on the concatenated embeddings is a residual block, layer normalisation,
  ELU and a linear output.
  """

  def __init__(
    self,
    space: ActionSpace,
    width: int,
    fourier_directions: int = 0,
    normalizes: bool = False,
    name: str = 'action_in_q_network',
  ):
    """Makes the layers.

    Args:
      space: the action space.
      width: H.
      fourier_directions: of the action encoder.
      normalizes: whether observations are normalised by their running statistics.
      name: of the module.
    """
    super().__init__(name=name)
    self.observation_encoder = blocks.ObservationEncoder(width, normalizes)
    self.action_encoder = blocks.ActionEncoder(space, width, fourier_directions)
    self.block = blocks.ResidualBlock(2 * width)
    self.norm = blocks.NormElu()
    self.output = blocks.Linear(1)

  def embed(self, observations: Tensor) -> Tensor:
    """Returns the embeddings [B, H] of observations [B, O]."""
    return self.observation_encoder(observations)

  def __call__(self, embeddings: Tensor, actions: Tensor) -> Tensor:
    """Returns Q-values [B, N] of the candidates of each state.

    Args:
      embeddings: [B, H] from `embed`.
      actions: [B, N, A] candidate actions; all of the shape is static.
    """
    states = tf.repeat(embeddings, actions.shape[1], axis=0)  # [B * N, H]
    candidates = self.action_encoder(tf.reshape(actions, [-1, actions.shape[-1]]))
    joint = tf.concat([states, candidates], axis=-1)  # [B * N, 2H]
    return tf.reshape(self.output(self.norm(self.block(joint))), actions.shape[:2])

  def plain_argmax(self, embeddings: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the best candidate int32 [B] of each state and its value [B].

    By `__call__`: what `argmax` must compute.
    """
    values = self(embeddings, actions)
    return tf.argmax(values, axis=-1, output_type=tf.int32), tf.reduce_max(values, -1)

  def argmax(self, embeddings: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    """Returns what `plain_argmax` does, but much faster and without a gradient.

    Now and then it is, of candidates that are nearly the best, another one. All
    candidates are estimated in 8-bit integers. The few with the highest estimates, at
    most 24, are evaluated in float32, and always the last one, so that no estimate
    loses the best action known so far, which stands there. The first layer is applied
    by halves, `[e_o; e_a] W = e_o W_o + e_a W_a`, so that the observation's half is
    computed once per state and not once per candidate. No digit becomes one-hot: its
    row of the encoder's weights is looked up.

    Args:
      embeddings: [B, H] from `embed`.
      actions: [B, N, A] candidate actions.

    Raises:
      tf.errors.InvalidArgumentError: H is no multiple of 16, or N is 0.
      tf.errors.UnimplementedError: the processor lacks AVX2 or FMA.
    """
    encoder, inner, outer = self.action_encoder, self.block.inner, self.block.outer
    width = embeddings.shape[-1]
    return kernels.operations.qmle_argmax(
      embeddings=embeddings,
      state_hidden=embeddings @ inner.w[:width] + inner.b,
      actions=actions,
      inputs=encoder.inputs(actions),
      encoder_w=encoder.linear.w,
      encoder_b=encoder.linear.b,
      encoder_scale=encoder.norm.norm.scale,
      encoder_offset=encoder.norm.norm.offset,
      inner_w=inner.w[width:],
      outer_w=outer.w,
      outer_b=outer.b,
      norm_scale=self.norm.norm.scale,
      norm_offset=self.norm.norm.offset,
      output_w=self.output.w,
      output_b=self.output.b,
      digits=encoder.space.digit_counts,
      threads=kernels.threads(),
    )
