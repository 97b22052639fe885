"""`qmle render`: a video of greedy episodes of a run."""

import contextlib
import dataclasses
import pathlib
import sys
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import rich.console
import rich.progress
import tyro

from qmle_acme import processes
from qmle_acme.environments import video
from qmle_acme.errors import check_range, check_seed
from qmle_acme.runs import screen
from qmle_acme.runs.run_folder import RunFolder

from . import arguments

# Each has a simulator and a renderer of its own.
_MOST = 64


@dataclasses.dataclass(frozen=True)
class RenderConfig:
  """Settings of a video."""

  run: tyro.conf.Positional[pathlib.Path]
  """Folder of the run."""
  best: bool = False
  """Take the checkpoint of the best evaluation, not the newest."""
  out: pathlib.Path = pathlib.Path('episode.mp4')
  """File to write: an MP4 or a GIF, by the end of its name."""
  grid: int = 1
  """Episodes, side by side; their seeds are seed, seed + 1, and so on."""
  seed: int = 0
  """Seed of the environment and of the candidates."""
  height: int = 480
  """Height of the picture in pixels."""
  width: int = 640
  """Width of the picture in pixels."""

  def __post_init__(self) -> None:
    """Checks every field.

    Raises:
      UserError: a value lies outside its range; the message names it.
    """
    check_seed(self.seed)
    video.check_suffix(self.out)
    for name in ('height', 'width'):
      check_range(name, getattr(self, name), 1)
    check_range('grid', self.grid, 1, _MOST)


def main(argv: list[str]) -> int:
  """Renders; returns the exit code."""
  config = arguments.parse(RenderConfig, argv, 'qmle render')
  run = RunFolder(config.run).read_config()
  with screen.loading_tensorflow():  # For nobody whose folder is no run.
    from qmle_acme.policy import load_policy
    from qmle_acme.runs import factory

  policy = load_policy(config.run, seed=config.seed, best=config.best)
  with contextlib.ExitStack() as stack:
    received = stack.enter_context(processes.recorded_signals(_give_up))
    environments = [stack.enter_context(policy.environment)]
    for i in range(1, config.grid):
      other = factory.make_environment(run, config.seed + i)
      environments.append(stack.enter_context(other))
    episodes = [
      video.frames(e, policy.select_action, config.height, config.width)
      for e in environments
    ]
    fps = video.frames_per_second(environments[0])
    frames = _shown(video.side_by_side(episodes), received)
    video.write(config.out, frames, fps)
  print(f'wrote {config.out}')
  return 0


def _give_up(received: list[int]) -> None:
  """Does not wait for the end of a frame if a second signal has come."""
  if len(received) > 1:
    raise KeyboardInterrupt


def _shown(
  frames: Iterable[np.ndarray], received: Sequence[int]
) -> Iterator[np.ndarray]:
  """Yields frames, and counts them in a terminal; nobody knows how many there are.

  After a signal it leaves, so that what is half written is removed: between two frames,
  since TensorFlow takes an exception in its midst for one of its own.
  """
  console = rich.console.Console(stderr=True)
  columns = ('rendering', rich.progress.TimeElapsedColumn(), '{task.completed} frames')
  with rich.progress.Progress(
    *columns, console=console, transient=True, disable=not console.is_terminal
  ) as progress:
    for frame in progress.track(frames):
      if received:
        sys.exit(128 + received[0])
      yield frame
