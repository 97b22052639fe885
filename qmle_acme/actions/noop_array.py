"""The spec of an action of which one value does nothing."""

from typing import Any

import numpy as np
from dm_env import specs


class NoopArray(specs.BoundedArray):
  """An array with bounds, and the value of it that leaves things as they are.

  An environment that knows such an action hands this over as its action spec, or as
  every leaf of it. A Gymnasium environment sets it as the attribute `noop` of its
  action space.

  Attributes:
    noop: of the spec's shape and dtype, not to be written to.
  """

  __slots__ = ('noop',)

  def __init__(
    self,
    shape: tuple[int, ...],
    dtype: Any,
    minimum: Any,
    maximum: Any,
    noop: Any,
    name: str | None = None,
  ):
    """Initialises.

    Args:
      shape: as of a BoundedArray, and so the next three.
      dtype: of it.
      minimum: of it.
      maximum: of it.
      noop: the action that does nothing, which can be broadcast to the shape.
      name: of the spec.

    Raises:
      ValueError: it cannot be, or lies outside the bounds or is no number.
    """
    super().__init__(shape, dtype, minimum, maximum, name)
    self.noop = np.broadcast_to(np.asarray(noop, dtype), shape)
    self.validate(self.noop)
    if not np.isfinite(self.noop).all():
      raise ValueError(f'the action that does nothing must be finite: got {self.noop}')

  def __reduce__(self) -> Any:
    bounds = (self.minimum, self.maximum)
    return NoopArray, (self.shape, self.dtype, *bounds, self.noop, self.name)
