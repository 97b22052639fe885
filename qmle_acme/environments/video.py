"""Episodes as video: the frames of one, and a file of them.

Shapes: H, W = height and width of a frame in pixels, O = the size of an observation,
A = of an action.
"""

import contextlib
import os
import pathlib
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import dm_env
import imageio.v2 as imageio
import numpy as np

from qmle_acme.errors import UserError
from qmle_acme.files import make_place

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
  yield render(height, width)
  while not timestep.last():
    timestep = environment.step(select_action(timestep.observation))
    yield render(height, width)


def frames_per_second(environment: dm_env.Environment) -> float:
  """Returns the steps of the environment in a second of its own time.

  Raises:
    UserError: the environment has nothing to draw.
  """
  return 1.0 / _asset(environment, 'control_timestep')()


def write_mp4(path: pathlib.Path, frames: Iterable[np.ndarray], fps: float) -> None:
  """Writes frames [H, W, 3], uint8, as a video; replaces the file at that path.

  H and W should be even, as H.264 wants them: odd ones are scaled up by a pixel. If
  this fails or is killed, what was at the path before is still there.

  Raises:
    UserError: there is no writing at that path.
  """
  make_place(path)
  partial = path.with_name(f'.{path.name}.partial.mp4')  # ffmpeg goes by the suffix.
  writer: Any = imageio.get_writer(partial, fps=fps, macro_block_size=2)
  try:
    # The writer as a context leaves ffmpeg running, and writing, after an error.
    with contextlib.closing(writer):
      for frame in frames:
        writer.append_data(frame)
    os.replace(partial, path)
  finally:
    partial.unlink(missing_ok=True)


def _asset(environment: dm_env.Environment, name: str) -> Any:
  """Returns a method that only an environment with something to draw has."""
  try:
    return getattr(environment, name)
  except AttributeError:
    raise UserError(
      f'no video of {type(environment).__name__}: it has nothing to draw; '
      'control:<domain>:<task> has, and most of gymnasium:<id>'
    ) from None
