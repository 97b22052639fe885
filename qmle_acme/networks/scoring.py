"""The compiled arg max over candidate actions.

It is an operation of `qmle_acme.kernels`, without a gradient. B batch, N candidates,
A action dimensions, H width.
"""

import os

from qmle_acme.kernels import operations
from qmle_acme.networks import blocks
from qmle_acme.types import Tensor

# The kernel's widest vectors divide H.
WIDTH_MULTIPLE = 16


def argmax(
  embeddings: Tensor,
  actions: Tensor,
  encoder: blocks.ActionEncoder,
  block: blocks.ResidualBlock,
  norm: blocks.NormElu,
  output: blocks.Linear,
) -> tuple[Tensor, Tensor]:
  """Returns the best candidate int32 [B] by an action-in torso, and its value [B].

  All candidates are estimated in 8-bit integers. The few with the highest estimates, at
  most 24, are evaluated in float32, and always the last one, so that no estimate loses
  the best action known so far, which stands there. The first layer is applied by
  halves, `[e_o; e_a] W = e_o W_o + e_a W_a`, so that the observation's half is computed
  once per state and not once per candidate. No digit becomes one-hot: its row of the
  encoder's weights is looked up.

  Args:
    embeddings: [B, H] of the observations.
    actions: [B, N, A] candidate actions.
    encoder: of the actions.
    block: first part of the torso on [e_o; e_a], 2H wide.
    norm: second part.
    output: last part, [2H, 1].

  Raises:
    tf.errors.InvalidArgumentError: H is no multiple of 16, or N is 0.
    tf.errors.UnimplementedError: the processor lacks AVX2 or FMA.
  """
  width, space = embeddings.shape[-1], encoder.space
  inner, outer = block.inner, block.outer
  best, value = operations.qmle_argmax(
    embeddings=embeddings,
    state_hidden=embeddings @ inner.w[:width] + inner.b,
    actions=actions,
    encoder_w=encoder.linear.w,
    encoder_b=encoder.linear.b,
    encoder_scale=encoder.norm.norm.scale,
    encoder_offset=encoder.norm.norm.offset,
    inner_w=inner.w[width:],
    outer_w=outer.w,
    outer_b=outer.b,
    norm_scale=norm.norm.scale,
    norm_offset=norm.norm.offset,
    output_w=output.w,
    output_b=output.b,
    digits=space.bin_counts[space.num_continuous :],
    threads=_threads(),
  )
  return best, value


def _threads() -> int:
  """Returns as many threads as the environment gives to one of TensorFlow's operations.

  Without a word there, one for each core that this process may use.
  """
  named = int(os.environ.get('TF_NUM_INTRAOP_THREADS') or 0)
  return named or len(os.sched_getaffinity(0))
