"""The action-in Q-network: Q(s, a) from both the observation and the action.

B batch, N candidates, A action dimensions, H width. See arXiv 2410.06317, section
on action-in architectures: the cost does not grow with the number of actions.
"""

import sonnet as snt
import tensorflow as tf

from qmle_acme.actions import ActionSpace
from qmle_acme.networks import blocks, scoring
from qmle_acme.types import Tensor


class ActionInQNetwork(snt.Module):
  """Values of candidate actions of a state.

  The torso on the concatenated embeddings is a residual block, layer normalisation,
  ELU and a linear output.
  """

  def __init__(self, space: ActionSpace, width: int, name: str = 'action_in_q_network'):
    super().__init__(name=name)
    self.observation_encoder = blocks.ObservationEncoder(width)
    self.action_encoder = blocks.ActionEncoder(space, width)
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

  def argmax(self, embeddings: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the best candidate int32 [B] of each state and its value [B].

    Much faster than `__call__` and without a gradient; now and then, of candidates that
    are nearly the best another one than by `__call__`.
    """
    return scoring.argmax(
      embeddings, actions, self.action_encoder, self.block, self.norm, self.output
    )
