"""Every setting of D4PG, with its default, its unit and its checks."""

import dataclasses
import math
from typing import ClassVar

from qmle_acme.agents.acme import ActorCriticConfig
from qmle_acme.errors import check_range


@dataclasses.dataclass(frozen=True)
class D4PGConfig(ActorCriticConfig):
  """Settings of Acme's D4PG; the defaults are those of `acme.agents.tf.d4pg.D4PG`."""

  AGENT: ClassVar[str] = 'd4pg'

  target_update_period: int = 100
  """Learner steps between hard copies of the online to the target networks."""
  sigma: float = 0.3
  """Standard deviation of the exploration noise; the box is [-1, 1]."""

  def __post_init__(self) -> None:
    """Checks every field; see base class."""
    super().__post_init__()
    check_range('d4pg.target_update_period', self.target_update_period, 1)
    self._check(0.0 <= self.sigma < math.inf, 'sigma', 'at least 0, finite')
