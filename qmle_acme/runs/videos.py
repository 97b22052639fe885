"""Videos of greedy episodes, made while a run goes on: `videos/<steps>.mp4`.

The evaluator makes them. The recorder writes them, as it writes all records, so that an
evaluator needs no more than a connection.
"""

import pathlib
import tempfile
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import dm_env
import numpy as np

from qmle_acme.errors import check_installed
from qmle_acme.files import make_folder, write_atomically
from qmle_acme.runs.run_folder import RunFolder

if TYPE_CHECKING:  # Of an extra, and imported where a video is made.
  from qmle_acme.environments.video import SelectAction

_HEIGHT, _WIDTH = 240, 320
_SUFFIX = '.mp4'


def are_possible(environment: dm_env.Environment) -> bool:
  """Returns whether the environment has anything to draw; draws nothing.

  Whether OpenGL works here, and what else drawing needs, only `check` finds out.
  """
  if not all(hasattr(environment, name) for name in ('render', 'control_timestep')):
    return False
  return getattr(environment, 'is_drawn', True)


def check(environment: dm_env.Environment) -> None:
  """Draws a frame, as long as nothing has begun; resets the environment.

  Raises:
    UserError: there can be no video of it here; the message says why.
  """
  check_installed('imageio', 'report', '--render-every')
  from qmle_acme.environments import video

  spec = environment.action_spec()
  next(video.frames(environment, lambda _: spec.generate_value(), _HEIGHT, _WIDTH))


def record(
  environment: dm_env.Environment,
  select_action: 'SelectAction',
  after_step: Callable[[], None],
) -> bytes:
  """Returns a video of one episode, the file as it is.

  Args:
    environment: a new one.
    select_action: of a greedy actor.
    after_step: called after each step; what it raises ends this.

  Raises:
    UserError: the episode cannot be drawn.
  """
  from qmle_acme.environments import video

  def watched() -> Iterator[np.ndarray]:
    for frame in video.frames(environment, select_action, _HEIGHT, _WIDTH):
      after_step()
      yield frame

  with tempfile.TemporaryDirectory() as name:
    path = pathlib.Path(name) / f'video{_SUFFIX}'
    video.write(path, watched(), video.frames_per_second(environment))
    return path.read_bytes()


def keep(folder: RunFolder, actor_steps: int, data: bytes) -> None:
  """Keeps a video in the run folder.

  Raises:
    OSError: it cannot be written; no part of it is left.
  """
  make_folder(folder.videos)
  write_atomically(folder.videos / f'{actor_steps}{_SUFFIX}', data)


def find(folder: RunFolder) -> dict[int, pathlib.Path]:
  """Returns the videos of a run by their steps, in order."""
  paths = folder.videos.glob(f'*{_SUFFIX}')
  found = {int(path.stem): path for path in paths if path.stem.isdecimal()}
  return dict(sorted(found.items()))


def drop_after(folder: RunFolder, actor_steps: int) -> None:
  """Drops the videos of steps that a run has gone back behind."""
  for steps, path in find(folder).items():
    if steps > actor_steps:
      path.unlink()
