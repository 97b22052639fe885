"""Balls in the unit box: where actions of a restricted environment are valid.

A the dimensions of the box, M the balls; `...` any leading dimensions.
"""

import dataclasses
import math

import numpy as np

BALLS_PER_DIMENSION = 33
# The share of the box that the balls cover is measured on so many points, so it is as
# asked for up to a standard error of 0.0035; they are drawn by a seed of their own.
_POINTS = 20_000
_POINTS_SEED = 7
_CHUNK = 1_000


@dataclasses.dataclass(frozen=True)
class Balls:
  """The union of balls of one radius.

  Attributes:
    centres: [M, A], in the unit box.
    radius: of every ball.
  """

  centres: np.ndarray
  radius: float

  @classmethod
  def covering(cls, size: int, share: float, seed: int) -> 'Balls':
    """Returns balls that together cover a share of the unit box.

    Args:
      size: A, at least 1.
      share: above 0 and below 1.
      seed: of the centres, from 0 to 2^32 - 1.
    """
    centres = _draw_centres(size, seed)
    points = np.random.RandomState(_POINTS_SEED).random_sample((_POINTS, size))
    chunks = np.split(points, _POINTS // _CHUNK)  # Or it takes a gigabyte in 38.
    distances = np.concatenate([_to_nearest(chunk, centres) for chunk in chunks])
    return cls(centres, float(np.quantile(distances, share)))

  @classmethod
  def of_volume(cls, size: int, volume: float, seed: int) -> 'Balls':
    """Returns balls that have a volume each, wherever they overlap or stand out.

    Args:
      size: A, at least 1.
      volume: of one ball.
      seed: of the centres, from 0 to 2^32 - 1.
    """
    of_unit_ball = math.pi ** (size / 2) / math.gamma(size / 2 + 1)
    return cls(_draw_centres(size, seed), (volume / of_unit_ball) ** (1 / size))

  def contain(self, points: np.ndarray) -> np.ndarray:
    """Returns whether points [..., A] of the unit box lie in a ball, bool [...]."""
    flat = points.reshape(-1, points.shape[-1])
    return (_to_nearest(flat, self.centres) <= self.radius).reshape(points.shape[:-1])


def _draw_centres(size: int, seed: int) -> np.ndarray:
  """Returns centres [33 A, A], the very ones that SAVO and Q3C draw by seed 123."""
  shape = (BALLS_PER_DIMENSION * size, size)
  return np.random.RandomState(seed).random_sample(shape)


def _to_nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
  """Returns the distances [N] of points [N, A] to the nearest of the centres [M, A]."""
  lengths = [np.square(rows).sum(axis=-1) for rows in (points, centres)]
  squares = lengths[0][:, None] - 2.0 * points @ centres.T + lengths[1]  # [N, M]
  return np.sqrt(np.maximum(squares.min(axis=1), 0.0))
