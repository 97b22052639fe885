"""The settings that D4PG and DMPO share, with their defaults and checks."""

import dataclasses
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from qmle_acme import settings
from qmle_acme.errors import out_of_range
from qmle_acme.settings import Count, Number, Positive, Share

_Width: TypeAlias = Annotated[int, Field(ge=1, le=65_536)]
_Widths: TypeAlias = Annotated[tuple[_Width, ...], Field(min_length=1, max_length=100)]


@dataclasses.dataclass(frozen=True)
class ActorCriticConfig:
  """Settings of an actor-critic agent of Acme; the defaults are those of Acme 0.4.0.

  Where they come from: replay, rates, n-step returns from the constructors
  of `acme.agents.tf.d4pg.D4PG` and `dmpo.DistributionalMPO`, which agree; step sizes
  from their learners; layers and value range from `d4pg.make_default_networks`, with
  which Acme's control example of DMPO agrees. Weights are shared between policy and
  critic nowhere. Only variables are fetched as often as QMLE does: Acme's distributed
  agents wait 1,000 steps, and D4PG learned walker far slower with that
  (docs/performance.md).
  """

  AGENT: ClassVar[str]
  """Name of the agent, for errors."""

  discount: Share = 0.99
  """Discount factor of the return."""
  n_step: Count = 5
  """Environment steps that one transition spans."""
  batch_size: Count = 256
  """Transitions in a learner step."""
  policy_learning_rate: Positive = 1e-4
  """Step size of Adam for the policy."""
  critic_learning_rate: Positive = 1e-4
  """Step size of Adam for the critic."""
  samples_per_insert: Positive = 32.0
  """Samples drawn from replay for each transition inserted."""
  replay_size: Count = 1_000_000
  """Transitions that replay holds."""
  min_replay_size: Count = 1_000
  """Transitions in replay before learning starts."""
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
  variable_update_period: Count = 5
  """Actor steps between fetches of the learner's variables."""

  def __post_init__(self) -> None:
    """Checks every field.

    Raises:
      UserError: a value lies outside its range; the message names it.
    """
    settings.check(self, f'{self.AGENT}.')
    self._check(
      self.replay_size >= max(self.batch_size, self.min_replay_size),
      'replay_size',
      'at least batch_size and min_replay_size',
    )
    self._check(self.vmin < self.vmax, 'vmin', f'less than vmax, {self.vmax}')

  def _check(self, holds: bool, name: str, requirement: str) -> None:
    """Raises UserError when a setting does not hold."""
    if not holds:
      value = getattr(self, name)
      raise out_of_range(f'{self.AGENT}.{name}', value, requirement)
