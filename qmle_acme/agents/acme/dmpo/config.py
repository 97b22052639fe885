"""Every setting of DMPO, with its default, its unit and its checks."""

import dataclasses
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from qmle_acme.agents.acme import ActorCriticConfig
from qmle_acme.settings import Count, Positive

# Acme's loss raises what is lower.
_Multiplier: TypeAlias = Annotated[float, Field(ge=-18.0, le=1e6, allow_inf_nan=False)]


@dataclasses.dataclass(frozen=True)
class DMPOConfig(ActorCriticConfig):
  """Settings of Acme's DMPO; the defaults are those of Acme 0.4.0.

  Periods and samples come from `acme.agents.tf.dmpo.DistributionalMPO`, the constraints
  and the step size of their multipliers from what its learner takes where none are
  given. Acme's own words on the constraints are in `acme.tf.losses.MPO`.
  """

  AGENT: ClassVar[str] = 'dmpo'
  BUILDER: ClassVar[str] = 'qmle_acme.agents.acme.dmpo:DMPOBuilder'

  target_policy_update_period: Count = 100
  """Learner steps between hard copies of the online to the target policy."""
  target_critic_update_period: Count = 100
  """Learner steps between hard copies of the online to the target critic."""
  num_samples: Annotated[int, Field(ge=1, le=100_000)] = 20
  """Actions sampled from the target policy in each state."""
  dual_learning_rate: Positive = 1e-2
  """Step size of Adam for temperatures and multipliers."""
  epsilon: Positive = 1e-1
  """Bound of the KL divergence of the non-parametric policy, in nats."""
  epsilon_penalty: Positive = 1e-3
  """Bound of the KL divergence that keeps actions in the box, in nats."""
  epsilon_mean: Positive = 1e-3
  """Bound of the KL divergence of the mean, in nats per action dimension."""
  epsilon_stddev: Positive = 1e-6
  """Bound of the KL divergence of the deviation, in nats per action dimension."""
  activate_final: bool = False
  """Whether policy and critic have an activation after their last hidden layer too."""
  init_scale: Positive = 0.3
  """Deviation with which the policy starts; the box is [-1, 1]."""
  init_log_temperature: _Multiplier = 1.0
  """Start of the temperature, before softplus."""
  init_log_alpha_mean: _Multiplier = 1.0
  """Start of the multiplier of the mean's constraint, before softplus."""
  init_log_alpha_stddev: _Multiplier = 10.0
  """Start of the multiplier of the deviation's constraint, before softplus."""
