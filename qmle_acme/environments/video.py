"""Episodes as video: the frames of one, and a file of them.

Shapes: H, W = height and width of a frame in pixels, O = the size of an observation,
A = of an action.
"""

import contextlib
import itertools
import math
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import dm_env
import imageio.v2 as imageio
import numpy as np

from qmle_acme.errors import UserError, described, place_of
from qmle_acme.files import make_place

_GIF_FPS = 25

SelectAction = Callable[[np.ndarray], np.ndarray]
"""From an observation [O] to an action [A] as the environment takes it."""


def frames(
  environment: dm_env.Environment,
  select_action: SelectAction,
  height: int,
  width: int,
) -> Iterator[np.ndarray]:
  """Yields the frames [H, W, 3], uint8, of one episode, the first before any action.

  Raises:
    UserError: the environment has nothing to draw or draws no frame of that size, or
      OpenGL does not work here.
  """
  render = _asset(environment, 'render')
  timestep = environment.reset()
  yield _drawn(render, height, width)
  while not timestep.last():
    timestep = environment.step(select_action(timestep.observation))
    yield _drawn(render, height, width)


def frames_per_second(environment: dm_env.Environment) -> float:
  """Returns the steps of the environment in a second of its own time.

  Raises:
    UserError: the environment has nothing to draw.
  """
  return 1.0 / _asset(environment, 'control_timestep')()


def side_by_side(episodes: Sequence[Iterator[np.ndarray]]) -> Iterator[np.ndarray]:
  """Yields the frames of episodes [H, W, 3] as tiles of one, row by row, uint8.

  An episode that is over shows its last frame until the longest is; tiles without one
  are black.
  """
  columns = math.ceil(math.sqrt(len(episodes)))
  rows = math.ceil(len(episodes) / columns)
  shown = [next(episode) for episode in episodes]
  while True:
    black = [np.zeros_like(shown[0])] * (rows * columns - len(shown))
    tiles = [*shown, *black]
    yield np.vstack([np.hstack(tiles[r * columns :][:columns]) for r in range(rows)])
    new = [next(episode, None) for episode in episodes]
    if all(frame is None for frame in new):
      return
    shown = [old if f is None else f for old, f in zip(shown, new, strict=True)]


def check_suffix(path: pathlib.Path) -> None:
  """Refuses a file whose name does not say what it is to be.

  Raises:
    UserError: it ends neither in .mp4 nor in .gif.
  """
  if path.suffix.lower() not in ('.mp4', '.gif'):
    raise UserError(f'{path} is no name of a video: it must end in .mp4 or .gif')


def write(path: pathlib.Path, frames: Iterable[np.ndarray], fps: float) -> None:
  """Writes frames [H, W, 3], uint8, as a video; replaces the file at that path.

  The name's end says whether it is an MP4 or a GIF. H and W of an MP4 should be even,
  as H.264 wants them: odd ones are scaled up by a pixel. A GIF has at most 25 frames a
  second, since viewers slow down what has more. If this fails or is killed, what was at
  the path before is still there.

  Raises:
    UserError: there is no writing at that path, or see `check_suffix`.
  """
  check_suffix(path)
  make_place(path)
  suffix = path.suffix.lower()
  partial = path.with_name(f'.{path.name}.partial{suffix}')  # Writers go by the suffix.
  writer: Any
  if suffix == '.gif':
    every = max(1, round(fps / _GIF_FPS))
    frames = itertools.islice(frames, 0, None, every)
    writer = imageio.get_writer(partial, duration=1000.0 * every / fps, loop=0)
  else:
    writer = imageio.get_writer(partial, fps=fps, macro_block_size=2)
  try:
    # The writer as a context leaves ffmpeg running, and writing, after an error.
    with contextlib.closing(writer):
      for frame in frames:
        writer.append_data(frame)
    os.replace(partial, path)
  finally:
    partial.unlink(missing_ok=True)


def _drawn(render: Any, height: int, width: int) -> np.ndarray:
  """Returns the frame that a method of an environment draws.

  Raises:
    UserError: it cannot.
  """
  try:
    frame: np.ndarray = render(height, width)
  except UserError:
    raise
  except Exception as error:  # Whatever an environment may raise.
    raise UserError(
      f'`render` of the environment failed: {described(error)} ({place_of(error)})'
    ) from error
  return frame


def _asset(environment: dm_env.Environment, name: str) -> Any:
  """Returns a method that only an environment with something to draw has."""
  try:
    return getattr(environment, name)
  except AttributeError:
    raise UserError(
      'no video of this environment: it has nothing to draw; '
      'control:<domain>:<task> has, and most of gymnasium:<id>'
    ) from None
