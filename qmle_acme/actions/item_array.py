"""The spec of an action that is one of n items; environments need no more of items."""

from typing import Any

import numpy as np
from dm_env import specs


class ItemArray(specs.DiscreteArray):
  """One of n items, by its index 0 ... n - 1, and what is known of each of them.

  An environment whose actions are items hands this over as its action spec. A Gymnasium
  environment sets the table as the attribute `features` of its `Discrete` action space.

  Attributes:
    features: float32 [n, F], not to be written to; row i belongs to index i.
  """

  __slots__ = ('features',)

  def __init__(
    self, features: np.ndarray, dtype: Any = np.int64, name: str | None = None
  ):
    """Takes the table, without a copy if it is float32 already.

    Args:
      features: [n, F] finite numbers; n and F at least 1.
      dtype: of the index.
      name: of the spec.

    Raises:
      ValueError: the table has no such shape, or holds what is no number.
    """
    table = np.asarray(features, np.float32)
    if table.ndim != 2 or 0 in table.shape:
      raise ValueError(f'features of items must be [n, F]: got {table.shape}')
    if not np.isfinite(table).all():
      raise ValueError('features of items must be finite numbers')
    super().__init__(len(table), dtype, name)
    self.features = table.view()
    self.features.flags.writeable = False

  def __reduce__(self) -> Any:
    return ItemArray, (self.features, self.dtype, self.name)
