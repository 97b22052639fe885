"""The action-in Q-network: Q(s, a) from both the observation and the action.

B batch, N candidates, H width, A' encoded action size. See arXiv 2410.06317, section
on action-in architectures: the cost does not grow with the number of actions.
"""

import sonnet as snt
import tensorflow as tf

from qmle_acme.networks import blocks
from qmle_acme.types import Tensor


class ActionInQNetwork(snt.Module):
  """Scores candidate actions of a state.

  The torso on the concatenated embeddings is a residual block, layer normalisation,
  ELU and a linear output. Its first layer is applied by halves,
  `[e_o; e_a] W = e_o W_o + e_a W_a`, so that the observation's half is computed once
  per state and not once per candidate.
  """

  def __init__(self, width: int, name: str = 'action_in_q_network'):
    super().__init__(name=name)
    self._width = width
    self.observation_encoder = blocks.ObservationEncoder(width)
    self.action_encoder = blocks.ActionEncoder(width)
    self.block = blocks.ResidualBlock(2 * width)
    self.norm = blocks.NormElu()
    self.output = snt.Linear(1, w_init=blocks.W_INIT)

  def embed(self, observations: Tensor) -> Tensor:
    """Returns the embeddings [B, H] of observations [B, O]."""
    return self.observation_encoder(observations)

  def __call__(self, embeddings: Tensor, encoded: Tensor) -> Tensor:
    """Returns Q-values [B, N] of the candidates of each state.

    Args:
      embeddings: [B, H] from `embed`.
      encoded: [B, N, A'] encoded candidate actions; all of the shape is static.
    """
    width, inner = self._width, self.block.inner
    # Matrix products of rank two: those of rank three are slow loops under XLA.
    candidates = self.action_encoder(tf.reshape(encoded, [-1, encoded.shape[-1]]))
    per_state = [*encoded.shape[:2], 2 * width]  # [B, N, 2H]
    hidden = tf.reshape(candidates @ inner.w[width:], per_state)
    hidden += (embeddings @ inner.w[:width] + inner.b)[:, None]
    states = tf.repeat(embeddings, encoded.shape[1], axis=0)  # [B * N, H]
    joint = tf.concat([states, candidates], axis=-1)  # [B * N, 2H]
    hidden = tf.nn.relu(tf.reshape(hidden, joint.shape))
    values = self.output(self.norm(joint + self.block.outer(hidden)))  # [B * N, 1]
    return tf.reshape(values, encoded.shape[:2])

  def score_densely(self, embeddings: Tensor, encoded: Tensor) -> Tensor:
    """Returns the same as `__call__`, by the plain layers; also creates them all."""
    states = tf.repeat(embeddings, encoded.shape[1], axis=0)  # [B * N, H]
    candidates = self.action_encoder(tf.reshape(encoded, [-1, encoded.shape[-1]]))
    joint = tf.concat([states, candidates], axis=-1)  # [B * N, 2H]
    return tf.reshape(self.output(self.norm(self.block(joint))), encoded.shape[:2])
