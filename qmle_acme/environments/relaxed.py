"""Any action space as one box: an index becomes a score for each of its values.

'relaxed:hybrid:platform' is hybrid:platform for an agent that acts in boxes only. The
value with the highest score is taken, as in PA-DDPG (Hausknecht, Stone, arXiv
1511.04143), so D4PG and DMPO can be run, and compared, wherever QMLE can. Floats keep
their own bounds and come first; of an item that has features (`actions.ItemArray`) the
box has a wanted value of each feature, and the nearest item is taken, as Wolpertinger
does with one neighbour (Dulac-Arnold et al., arXiv 1512.07679).

R the dimensions of the box, N the values of an index, F the features of an item.
"""

import dataclasses
from typing import Any

import dm_env
import numpy as np
import tree
from acme.wrappers import base
from dm_env import specs

from qmle_acme.actions import ItemArray
from qmle_acme.environments import registry
from qmle_acme.errors import UserError

_MOST_SCORES = 2_000


@dataclasses.dataclass(frozen=True)
class _Floats:
  """A leaf that is a box already."""

  spec: specs.BoundedArray

  @property
  def bounds(self) -> tuple[np.ndarray, np.ndarray]:
    """Least and largest values, flat."""
    ends = (self.spec.minimum, self.spec.maximum)
    low, high = (np.broadcast_to(end, self.spec.shape).ravel() for end in ends)
    return low, high

  def decode(self, values: np.ndarray) -> np.ndarray:
    """Returns the leaf's form of its part of the box."""
    low, high = self.bounds
    return np.clip(values, low, high).astype(self.spec.dtype).reshape(self.spec.shape)


@dataclasses.dataclass(frozen=True)
class _Indices:
  """A leaf of indices, each with N values of its own, from the least one on."""

  spec: specs.BoundedArray

  @property
  def counts(self) -> list[int]:
    """N of every index."""
    low, high = _Floats(self.spec).bounds
    return [int(b) - int(a) + 1 for a, b in zip(low, high, strict=True)]

  @property
  def bounds(self) -> tuple[np.ndarray, np.ndarray]:
    """Of the scores."""
    size = sum(self.counts)
    return np.full(size, -1.0), np.full(size, 1.0)

  def decode(self, values: np.ndarray) -> np.ndarray:
    """Returns the values with the highest scores; of equal ones the first."""
    ends = np.cumsum(self.counts)[:-1]
    best = [int(np.argmax(scores)) for scores in np.split(values, ends)]
    low, _ = _Floats(self.spec).bounds
    return (low + np.asarray(best)).astype(self.spec.dtype).reshape(self.spec.shape)


class _Items:
  """A leaf of one index whose values have features."""

  def __init__(self, spec: ItemArray):
    self._spec = spec
    self._halves = 0.5 * np.square(spec.features).sum(axis=1)  # [N]

  @property
  def bounds(self) -> tuple[np.ndarray, np.ndarray]:
    """The least and the largest value of every feature, a little apart if equal."""
    low, high = (end(self._spec.features, axis=0) for end in (np.min, np.max))
    return low, np.where(low < high, high, low + 1.0)

  def decode(self, values: np.ndarray) -> np.ndarray:
    """Returns the nearest item."""
    nearness = self._spec.features @ values.astype(np.float32) - self._halves
    return np.asarray(np.argmax(nearness), self._spec.dtype)


class Relaxed(base.EnvironmentWrapper):
  """Takes points of one box, float32 [R]."""

  def __init__(self, environment: dm_env.Environment):
    """Wraps an environment whose actions are floats, indices, or nests of both.

    Raises:
      UserError: the box would be too large.
    """
    super().__init__(environment)
    self._spec = environment.action_spec()
    leaves = [_make_leaf(spec) for spec in tree.flatten(self._spec)]
    # Floats first, as the agents have it: a stable sort.
    self._order = sorted(
      range(len(leaves)), key=lambda i: not isinstance(leaves[i], _Floats)
    )
    self._leaves = leaves
    scores = sum(sum(x.counts) for x in leaves if isinstance(x, _Indices))
    if scores > _MOST_SCORES:
      raise UserError(
        f'its indices have {scores:,} values together: a box has at most '
        f'{_MOST_SCORES:,} scores'
      )
    bounds = [leaves[i].bounds for i in self._order]
    low, high = (np.concatenate([b[end] for b in bounds]) for end in (0, 1))
    low, high = low.astype(np.float32), high.astype(np.float32)
    self._box = specs.BoundedArray(low.shape, np.float32, low, high, 'action')
    self._ends = np.cumsum([len(b[0]) for b in bounds])[:-1]

  def step(self, action: np.ndarray) -> dm_env.TimeStep:
    """Takes a point of the box; starts an episode if the last one is over."""
    return super().step(self.to_environment(action))

  def to_environment(self, action: np.ndarray) -> Any:
    """Returns what a point of the box stands for."""
    parts: list[np.ndarray] = [np.zeros(0)] * len(self._leaves)
    pieces = np.split(np.asarray(action), self._ends)
    for i, values in zip(self._order, pieces, strict=True):
      parts[i] = self._leaves[i].decode(values)
    return tree.unflatten_as(self._spec, parts)

  def action_spec(self) -> specs.BoundedArray:
    """A box [R]: floats as they are, scores within [-1, 1], features of items."""
    return self._box

  def to_own(self, action: np.ndarray) -> np.ndarray:
    """Returns the action: a point is the form that this environment itself takes."""
    return action

  from_own = to_own


def _make_leaf(spec: specs.BoundedArray) -> _Floats | _Indices | _Items:
  if isinstance(spec, ItemArray):
    return _Items(spec)
  return _Floats(spec) if spec.dtype.kind == 'f' else _Indices(spec)


def names() -> tuple[str, ...]:
  """Returns examples: any other name behind the family's."""
  return ('hybrid:platform', 'switches:12x2', 'synthetic:hybrid')


def knows(name: str) -> bool:
  """Returns whether there is a name; the other environment may not exist."""
  return bool(name)


def make(name: str, seed: int) -> Relaxed:
  """Returns the environment of that name, with one box for its actions.

  Raises:
    UserError: there is no such other environment, or it has too many actions.
  """
  environment = registry.make(name, seed)
  try:
    return Relaxed(environment)
  except UserError as error:
    environment.close()
    raise UserError(f'relaxed:{name}: {error}') from error
