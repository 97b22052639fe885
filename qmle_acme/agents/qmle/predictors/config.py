"""The settings of one member of the ensemble, and which family has which of them."""

import dataclasses
from typing import Any

from qmle_acme.errors import UserError, check_range, unknown

UNIFORM = 'uniform'
# Names that proposers other than predictors have in the metrics.
_TAKEN = (UNIFORM, 'cache')
# The options of each family, with their defaults.
_OPTIONS: dict[str, dict[str, float]] = {
  'delta': {'noise': 0.1},
  'categorical': {},
  'gaussian': {'min_scale': 0.05, 'max_scale': 1.0},
  'mixture': {'components': 4, 'min_scale': 0.05, 'max_scale': 1.0},
  'autoregressive': {},
}
_RANGES = {
  'noise': (0.0, 1.0),
  'components': (1, 100),
  'min_scale': (0.001, 10.0),
  'max_scale': (0.001, 10.0),
}
FAMILIES = tuple(_OPTIONS)


@dataclasses.dataclass(frozen=True)
class PredictorConfig:
  """One member of the ensemble; what a family has no use for must be left out."""

  family: str
  """One of delta, categorical, gaussian, mixture and autoregressive."""
  ratio: float
  """Share of the candidates that it proposes, between 0 and 1."""
  name: str | None = None
  """What the metrics call it: its family, unless there are two of one family."""
  noise: float | None = None
  """delta: standard deviation of the noise, as a share of the box's half-width, and
  probability that a digit is replaced; 0 to 1, default 0.1."""
  components: int | None = None
  """mixture: number of components, 1 to 100, default 4."""
  min_scale: float | None = None
  """gaussian, mixture: least standard deviation, as a share of the box's half-width,
  0.001 to 10, default 0.05."""
  max_scale: float | None = None
  """gaussian, mixture: largest standard deviation, likewise, default 1."""

  def __post_init__(self) -> None:
    """Checks the options, and sets those of the family that are not given.

    Raises:
      UserError: the family is unknown, the name is not usable, or an option is out of
        range or of another family; the message names it.
    """
    if self.family not in FAMILIES:
      raise unknown('predictor family', self.family, FAMILIES)
    if self.name is None:
      object.__setattr__(self, 'name', self.family)
    if not str(self.name).isidentifier() or self.name in _TAKEN:
      raise UserError(
        f'predictor name {self.name!r} cannot be used: it must be letters, digits and '
        f'underscores, and neither {" nor ".join(_TAKEN)}'
      )
    for option in _RANGES:
      self._resolve(option)
    low, high = self.min_scale, self.max_scale
    if low is not None and high is not None and low >= high:
      raise UserError(
        f'min_scale of predictor {self.name!r} is {low}: it must be less '
        f'than max_scale, {high}'
      )

  @property
  def options(self) -> dict[str, Any]:
    """What the family takes beside space and width: the name, and its own options."""
    names = ('name', *_OPTIONS[self.family])
    return {name: getattr(self, name) for name in names}

  def _resolve(self, option: str) -> None:
    """Checks an option, and sets it to the family's default if it has no value."""
    value, defaults = getattr(self, option), _OPTIONS[self.family]
    if value is None:
      object.__setattr__(self, option, defaults.get(option))
      return
    where = f'{option} of predictor {self.name!r}'
    if option not in defaults:
      known = ', '.join(defaults) or 'no options'
      raise UserError(f'{where} is not an option of {self.family}, which has {known}')
    check_range(where, value, *_RANGES[option])
