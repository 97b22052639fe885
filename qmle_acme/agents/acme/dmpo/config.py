"""Every setting of DMPO, with its default, its unit and its checks."""

import dataclasses
from typing import ClassVar

from qmle_acme.agents.acme import ActorCriticConfig
from qmle_acme.errors import check_positive, check_range


@dataclasses.dataclass(frozen=True)
class DMPOConfig(ActorCriticConfig):
  """Settings of Acme's DMPO; the defaults are those of Acme 0.4.0.

  Periods and samples come from `acme.agents.tf.dmpo.DistributionalMPO`, the constraints
  and the step size of their multipliers from what its learner takes where none are
  given. Acme's own words on the constraints are in `acme.tf.losses.MPO`.
  """

  AGENT: ClassVar[str] = 'dmpo'

  target_policy_update_period: int = 100
  """Learner steps between hard copies of the online to the target policy."""
  target_critic_update_period: int = 100
  """Learner steps between hard copies of the online to the target critic."""
  num_samples: int = 20
  """Actions sampled from the target policy in each state."""
  dual_learning_rate: float = 1e-2
  """Step size of Adam for temperatures and multipliers."""
  epsilon: float = 1e-1
  """Bound of the KL divergence of the non-parametric policy, in nats."""
  epsilon_penalty: float = 1e-3
  """Bound of the KL divergence that keeps actions in the box, in nats."""
  epsilon_mean: float = 1e-3
  """Bound of the KL divergence of the mean, in nats per action dimension."""
  epsilon_stddev: float = 1e-6
  """Bound of the KL divergence of the deviation, in nats per action dimension."""
  activate_final: bool = False
  """Whether policy and critic have an activation after their last hidden layer too."""
  init_scale: float = 0.3
  """Deviation with which the policy starts; the box is [-1, 1]."""
  init_log_temperature: float = 1.0
  """Start of the temperature, before softplus."""
  init_log_alpha_mean: float = 1.0
  """Start of the multiplier of the mean's constraint, before softplus."""
  init_log_alpha_stddev: float = 10.0
  """Start of the multiplier of the deviation's constraint, before softplus."""

  def __post_init__(self) -> None:
    """Checks every field; see base class."""
    super().__post_init__()
    periods = ('target_policy_update_period', 'target_critic_update_period')
    for name in (*periods, 'num_samples'):
      check_range(f'dmpo.{name}', getattr(self, name), 1)
    bounds = ('epsilon', 'epsilon_penalty', 'epsilon_mean', 'epsilon_stddev')
    for name in ('dual_learning_rate', 'init_scale', *bounds):
      check_positive(f'dmpo.{name}', getattr(self, name))
    for name in ('temperature', 'alpha_mean', 'alpha_stddev'):
      start = getattr(self, f'init_log_{name}')
      is_usable = -18.0 <= start < float('inf')  # Acme's loss raises what is lower.
      self._check(is_usable, f'init_log_{name}', 'at least -18, finite')
