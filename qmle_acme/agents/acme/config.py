"""The settings that D4PG and DMPO share, with their defaults and checks."""

import dataclasses
import math
from typing import ClassVar

from qmle_acme.errors import check_positive, check_range, out_of_range


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

  discount: float = 0.99
  """Discount factor of the return."""
  n_step: int = 5
  """Environment steps that one transition spans."""
  batch_size: int = 256
  """Transitions in a learner step."""
  policy_learning_rate: float = 1e-4
  """Step size of Adam for the policy."""
  critic_learning_rate: float = 1e-4
  """Step size of Adam for the critic."""
  samples_per_insert: float = 32.0
  """Samples drawn from replay for each transition inserted."""
  replay_size: int = 1_000_000
  """Transitions that replay holds."""
  min_replay_size: int = 1_000
  """Transitions in replay before learning starts."""
  policy_layer_sizes: tuple[int, ...] = (256, 256, 256)
  """Widths of the policy's hidden layers."""
  critic_layer_sizes: tuple[int, ...] = (512, 512, 256)
  """Widths of the critic's hidden layers."""
  vmin: float = -150.0
  """Least return that the critic can express."""
  vmax: float = 150.0
  """Largest return that the critic can express."""
  num_atoms: int = 51
  """Values on which the critic's distribution of returns lies."""
  variable_update_period: int = 5
  """Actor steps between fetches of the learner's variables."""

  def __post_init__(self) -> None:
    """Checks every field.

    Raises:
      UserError: a value lies outside its range; the message names it.
    """
    whole = ('n_step', 'batch_size', 'min_replay_size', 'variable_update_period')
    for name in whole:
      check_range(f'{self.AGENT}.{name}', getattr(self, name), 1)
    check_range(f'{self.AGENT}.discount', self.discount, 0.0, 1.0)
    positive = ('policy_learning_rate', 'critic_learning_rate', 'samples_per_insert')
    for name in positive:
      check_positive(f'{self.AGENT}.{name}', getattr(self, name))
    for name in ('policy_layer_sizes', 'critic_layer_sizes'):
      sizes = getattr(self, name)
      self._check(bool(sizes) and min(sizes) >= 1, name, 'one or more widths from 1 on')
    self._check(
      self.replay_size >= max(self.batch_size, self.min_replay_size),
      'replay_size',
      'at least batch_size and min_replay_size',
    )
    is_range = -math.inf < self.vmin < self.vmax < math.inf
    self._check(is_range, 'vmin', f'finite and below vmax, {self.vmax}')
    check_range(f'{self.AGENT}.num_atoms', self.num_atoms, 2)

  def _check(self, holds: bool, name: str, requirement: str) -> None:
    """Raises UserError when a setting does not hold."""
    if not holds:
      value = getattr(self, name)
      raise out_of_range(f'{self.AGENT}.{name}', value, requirement)
