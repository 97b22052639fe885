"""The settings of the members of the ensemble: one dataclass for each family.

Another package adds a family by an entry point of the group 'qmle_acme.predictors': its
name is the family, its value such a dataclass (docs/python.md).
"""

import dataclasses
import functools
import operator
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, TypeAlias

import pydantic
from pydantic import Field
from pydantic_core import CoreSchema

from qmle_acme import plugins, settings
from qmle_acme.errors import UserError, out_of_range
from qmle_acme.settings import Share

UNIFORM = 'uniform'
NOOP = 'noop'
_HERE = 'qmle_acme.agents.qmle.predictors'
# Names that proposers other than predictors have in the metrics.
_TAKEN = (UNIFORM, NOOP, 'refined', 'cache')
_Scale: TypeAlias = Annotated[float, Field(ge=0.001, le=10.0, allow_inf_nan=False)]


@dataclasses.dataclass(frozen=True)
class MemberConfig:
  """What the settings of all families have."""

  PREDICTOR: ClassVar[str]
  """Class of the predictor, '<module>:<class>', which is imported when it is made."""

  ratio: Share
  """Share of the candidates that it proposes."""
  name: str = ''
  """What the metrics call it: its family, unless there are two of one family."""
  _: dataclasses.KW_ONLY
  family: str = ''
  """One of delta, categorical, gaussian, mixture and autoregressive, or of another
  package."""

  def __post_init__(self) -> None:
    """Checks every field.

    Raises:
      UserError: an option is out of range, or the name is not usable; the message
        names it.
    """
    if self.name == '':
      object.__setattr__(self, 'name', self.family)
    settings.check(self, f'predictor {self.name!r}: ')
    if not self.name.isidentifier() or self.name in _TAKEN:
      raise UserError(
        f'predictor name {self.name!r} cannot be used: it must be letters, digits and '
        f'underscores, and neither {" nor ".join(_TAKEN)}'
      )

  @property
  def options(self) -> dict[str, Any]:
    """What the family takes beside space and width: the name, and its own options."""
    values = dataclasses.asdict(self)
    return {k: v for k, v in values.items() if k not in ('family', 'ratio')}


@dataclasses.dataclass(frozen=True, kw_only=True)
class DeltaConfig(MemberConfig):
  """One action for each state, and noise around it."""

  PREDICTOR: ClassVar[str] = f'{_HERE}.delta:Delta'
  family: Literal['delta'] = 'delta'
  noise: Share = 0.1
  """Standard deviation of the noise, as a share of the box's half-width, and
  probability that a digit is replaced."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class CategoricalConfig(MemberConfig):
  """A categorical distribution over the bins of each dimension."""

  PREDICTOR: ClassVar[str] = f'{_HERE}.categorical:Categorical'
  family: Literal['categorical'] = 'categorical'


@dataclasses.dataclass(frozen=True, kw_only=True)
class GaussianConfig(MemberConfig):
  """A diagonal Gaussian, clipped to the box."""

  PREDICTOR: ClassVar[str] = f'{_HERE}.gaussian:Gaussian'
  family: Literal['gaussian'] = 'gaussian'
  min_scale: _Scale = 0.05
  """Least standard deviation, as a share of the box's half-width."""
  max_scale: _Scale = 1.0
  """Largest standard deviation, likewise."""

  def __post_init__(self) -> None:
    super().__post_init__()
    _check_scales(self)


@dataclasses.dataclass(frozen=True, kw_only=True)
class MixtureConfig(MemberConfig):
  """Several diagonal Gaussians, clipped to the box."""

  PREDICTOR: ClassVar[str] = f'{_HERE}.mixture:Mixture'
  family: Literal['mixture'] = 'mixture'
  components: Annotated[int, Field(ge=1, le=100)] = 4
  """Number of Gaussians."""
  min_scale: _Scale = 0.05
  """Least standard deviation, as a share of the box's half-width."""
  max_scale: _Scale = 1.0
  """Largest standard deviation, likewise."""

  def __post_init__(self) -> None:
    super().__post_init__()
    _check_scales(self)


@dataclasses.dataclass(frozen=True, kw_only=True)
class AutoregressiveConfig(MemberConfig):
  """A categorical for each dimension, given those before it."""

  PREDICTOR: ClassVar[str] = f'{_HERE}.autoregressive:Autoregressive'
  family: Literal['autoregressive'] = 'autoregressive'


_OURS: dict[str, type[MemberConfig]] = {
  'delta': DeltaConfig,
  'categorical': CategoricalConfig,
  'gaussian': GaussianConfig,
  'mixture': MixtureConfig,
  'autoregressive': AutoregressiveConfig,
}


@functools.cache
def families() -> Mapping[str, type[MemberConfig]]:
  """Returns the settings of each family; ours win over others of the same name.

  It is read when it is used: modules of other packages import this one.

  Raises:
    UserError: that of another package cannot be imported.
  """
  return plugins.load('qmle_acme.predictors') | _OURS


def _schema(_: Any, handler: pydantic.GetCoreSchemaHandler) -> CoreSchema:
  """Returns how pydantic tells the families apart."""
  members: Any = functools.reduce(operator.or_, families().values())
  return handler.generate_schema(Annotated[members, Field(discriminator='family')])


# One member of the ensemble, of any family that is installed.
PredictorConfig: TypeAlias = Annotated[
  MemberConfig, pydantic.GetPydanticSchema(_schema)
]


def _check_scales(member: GaussianConfig | MixtureConfig) -> None:
  """Raises UserError unless the least is less than the largest."""
  if member.min_scale >= member.max_scale:
    where = f'predictor {member.name!r}: min_scale'
    requirement = f'less than max_scale, {member.max_scale}'
    raise out_of_range(where, member.min_scale, requirement)
