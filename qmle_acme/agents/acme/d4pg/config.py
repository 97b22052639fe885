"""Every setting of D4PG, with its default, its unit and its checks."""

import dataclasses
from typing import Annotated, ClassVar

from pydantic import Field

from qmle_acme.agents.acme import ActorCriticConfig
from qmle_acme.settings import Count


@dataclasses.dataclass(frozen=True)
class D4PGConfig(ActorCriticConfig):
  """Settings of Acme's D4PG; the defaults are those of `acme.agents.tf.d4pg.D4PG`."""

  AGENT: ClassVar[str] = 'd4pg'
  BUILDER: ClassVar[str] = 'qmle_acme.agents.acme.d4pg:D4PGBuilder'

  target_update_period: Count = 100
  """Learner steps between hard copies of the online to the target networks."""
  sigma: Annotated[float, Field(ge=0.0, le=1e6, allow_inf_nan=False)] = 0.3
  """Standard deviation of the exploration noise; the box is [-1, 1]."""
