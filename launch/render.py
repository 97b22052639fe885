"""`qmle render`: a video of one greedy episode of a run."""

import dataclasses
import pathlib

import tyro

from qmle_acme.environments import video
from qmle_acme.errors import check_range, check_seed
from qmle_acme.runs.run_folder import RunFolder

from . import arguments


@dataclasses.dataclass(frozen=True)
class RenderConfig:
  """Settings of a video."""

  run: tyro.conf.Positional[pathlib.Path]
  """Folder of the run."""
  best: bool = False
  """Take the checkpoint of the best evaluation, not the newest."""
  out: pathlib.Path = pathlib.Path('episode.mp4')
  """File to write."""
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
    for name in ('height', 'width'):
      check_range(name, getattr(self, name), 1)


def main(argv: list[str]) -> int:
  """Renders; returns the exit code."""
  config = arguments.parse(RenderConfig, argv, 'qmle render')
  RunFolder(config.run).read_config()
  # TensorFlow: seconds, which nobody waits for whose folder is no run.
  from qmle_acme.policy import load_policy

  policy = load_policy(config.run, config.seed, best=config.best)
  with policy.environment as environment:
    frames = video.frames(
      environment, policy.select_action, config.height, config.width
    )
    fps = video.frames_per_second(environment)
    video.write_mp4(config.out, frames, fps)
  print(f'wrote {config.out}')
  return 0
