"""The settings that D4PG and DMPO share, with their defaults and checks."""

import dataclasses
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from qmle_acme.agents import AgentConfig
from qmle_acme.settings import Count, Number, Positive

_Width: TypeAlias = Annotated[int, Field(ge=1, le=65_536)]
_Widths: TypeAlias = Annotated[tuple[_Width, ...], Field(min_length=1, max_length=100)]


@dataclasses.dataclass(frozen=True)
class ActorCriticConfig(AgentConfig):
  """Settings of an actor-critic agent of Acme; the defaults are those of Acme 0.4.0.

  Where they come from: replay, rates, n-step returns from the constructors
  of `acme.agents.tf.d4pg.D4PG` and `dmpo.DistributionalMPO`, which agree; step sizes
  from their learners; layers and value range from `d4pg.make_default_networks`, with
  which Acme's control example of DMPO agrees. Weights are shared between policy and
  critic nowhere. Only variables are fetched as often as QMLE does: Acme's distributed
  agents wait 1,000 steps, and D4PG learned walker far slower with that
  (docs/performance.md).
  """

  ONLY_BOX: ClassVar[bool] = True

  n_step: Count = 5
  """Environment steps that one transition spans."""
  policy_learning_rate: Positive = 1e-4
  """Step size of Adam for the policy."""
  critic_learning_rate: Positive = 1e-4
  """Step size of Adam for the critic."""
  policy_layer_sizes: _Widths = (256, 256, 256)
  """Widths of the policy's hidden layers."""
  critic_layer_sizes: _Widths = (512, 512, 256)
  """Widths of the critic's hidden layers."""
  vmin: Number = -150.0
  """Least return that the critic can express."""
  vmax: Number = 150.0
  """Largest return that the critic can express."""
  num_atoms: Annotated[int, Field(ge=2, le=10_000)] = 51
  """Values on which the critic's distribution of returns lies."""

  def __post_init__(self) -> None:
    super().__post_init__()
    is_range = self.vmin < self.vmax
    self._check(is_range, 'vmin', self.vmin, f'less than vmax, {self.vmax}')
