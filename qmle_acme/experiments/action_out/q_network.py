"""The action-out Q-network: an output for each of M actions, as in classic Q-learning.

B batch, H width, O observation, M actions.
"""

import sonnet as snt

from qmle_acme.networks import blocks
from qmle_acme.types import Tensor


class ActionOutQNetwork(snt.Module):
  """Values of all actions of a state.

  The parts are those of the action-in network: a residual block, layer normalisation,
  ELU and a linear output, but on the embedded observation alone.
  """

  def __init__(self, width: int, num_actions: int, name: str = 'action_out_q_network'):
    super().__init__(name=name)
    self.observation_encoder = blocks.ObservationEncoder(width)
    self.block = blocks.ResidualBlock(width)
    self.norm = blocks.NormElu()
    self.output = blocks.Linear(num_actions)

  def embed(self, observations: Tensor) -> Tensor:
    """Returns the embeddings [B, H] of observations [B, O]."""
    return self.observation_encoder(observations)

  def __call__(self, embeddings: Tensor) -> Tensor:
    """Returns the Q-values [B, M] for embeddings [B, H]."""
    return self.output(self.norm(self.block(embeddings)))
