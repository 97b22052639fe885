"""Factored categorical: one categorical over the K_i bins of each dimension."""

from qmle_acme.actions import ActionSpace
from qmle_acme.agents.qmle.predictors import base
from qmle_acme.agents.qmle.predictors.factored import Factored
from qmle_acme.types import Seed, Tensor


class Categorical(base.Predictor):
  """Independent categoricals over bins; the target is the nearest bin."""

  def __init__(self, space: ActionSpace, width: int, name: str):
    """See base class."""
    self._bins = Factored(space.bin_counts)
    super().__init__(space, width, name)

  @property
  def num_parameters(self) -> int:
    """P = the sum of all K_i: the logits."""
    return self._bins.num_parameters

  def sample(self, parameters: Tensor, count: int, seed: Seed) -> Tensor:
    """See base class."""
    return self._space.from_bins(self._bins.sample(parameters, count, seed))

  def loss(self, parameters: Tensor, actions: Tensor) -> Tensor:
    """Returns the cross entropy with the nearest bins, summed over dimensions."""
    return self._bins.loss(parameters, self._space.to_bins(actions))
