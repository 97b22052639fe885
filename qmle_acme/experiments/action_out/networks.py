"""A network with an output for each action, in the place of QMLE's.

B batch, N candidates, A action dimensions, H width, M actions.
"""

import numpy as np
import tensorflow as tf

from qmle_acme.actions import ActionSpace
from qmle_acme.agents.qmle.config import QMLEConfig
from qmle_acme.agents.qmle.networks import QNetwork
from qmle_acme.experiments.action_out.q_network import ActionOutQNetwork
from qmle_acme.networks import Linear
from qmle_acme.types import ArgmaxResult, Seed, Tensor


class ActionOutNetwork(QNetwork):
  """Takes the arg max over all actions: there are neither candidates nor predictors."""

  def __init__(self, space: ActionSpace, config: QMLEConfig, name: str = 'action_out'):
    """Initialises.

    Args:
      space: the action space, without continuous dimensions.
      config: of its settings only the width is used.
      name: of the module.
    """
    super().__init__(name=name)
    self._space = space
    # All combinations of digits; some may stand for the same action.
    digits = np.indices(space.bin_counts).reshape(space.size, -1).T
    self._actions, self._places = np.unique(
      space.from_bins(digits).numpy(), axis=0, return_inverse=True
    )
    self.q = ActionOutQNetwork(config.hidden_size, len(self._actions))

  @property
  def proposers(self) -> tuple[str, ...]:
    """See base class; whoever wins was among all."""
    return ('all',)

  @property
  def output(self) -> Linear:
    """See base class."""
    return self.q.output

  def argmax(
    self,
    observations: Tensor,
    count: int,
    seed: Seed,
    cached: Tensor | None = None,
  ) -> ArgmaxResult:
    """See base class; it is of all actions, whatever `count` and `cached` are."""
    del count, seed, cached
    values = self.q(self.embed(observations))  # [B, M]
    best = tf.argmax(values, axis=-1)
    return ArgmaxResult(
      action=tf.gather(self._actions, best),
      value=tf.reduce_max(values, axis=-1),
      winners=tf.ones_like(best, tf.bool)[:, None],
    )

  def embed(self, observations: Tensor) -> Tensor:
    """See base class."""
    return self.q.embed(observations)

  def q_values(self, embeddings: Tensor, actions: Tensor) -> Tensor:
    """See base class."""
    return tf.gather(self.q(embeddings), self._index(actions), axis=1, batch_dims=1)

  def predictor_losses(self, embeddings: Tensor, actions: Tensor) -> Tensor:
    """See base class; 0, for there are none."""
    return tf.zeros(tf.shape(actions)[:1])

  def _index(self, actions: Tensor) -> Tensor:
    """Returns which of the M actions [B, N] those are, [B, N, A]."""
    counts = self._space.bin_counts
    weights = [int(np.prod(counts[i + 1 :])) for i in range(len(counts))]
    combinations = tf.reduce_sum(self._space.to_bins(actions) * weights, axis=-1)
    return tf.gather(self._places, combinations)
