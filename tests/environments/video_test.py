"""Videos: the frames of an episode, and files that are whole or not there."""

import itertools
import pathlib
from collections.abc import Iterator
from typing import Any

import dm_env
import imageio.v2 as imageio
import numpy as np
import pytest
from dm_control import suite

from qmle_acme.environments import control, make, video
from qmle_acme.errors import UserError


def _push(observation: np.ndarray) -> np.ndarray:
  """An action for cartpole, which must have been given its observation."""
  assert observation.shape == (5,) and observation.dtype == np.float32
  return np.ones(1)


@pytest.fixture
def cartpole() -> Iterator[dm_env.Environment]:
  with make('control:cartpole:swingup', seed=0) as environment:
    yield environment


def test_ten_frames_are_read_back(
  cartpole: dm_env.Environment, headless_gl: str, tmp_path: pathlib.Path
) -> None:
  drawn = list(itertools.islice(video.frames(cartpole, _push, 96, 130), 10))
  fps = video.frames_per_second(cartpole)
  path = tmp_path / 'videos' / 'cartpole.mp4'
  video.write(path, drawn, fps)
  reader: Any = imageio.get_reader(path)
  with reader:
    assert reader.get_meta_data()['fps'] == fps == 100.0
    read = np.stack(list(reader.iter_data()))
  assert read.shape == (10, 96, 130, 3) and read.dtype == np.uint8
  assert read.std() > 10.0
  error = np.abs(read.astype(np.float32) - np.stack(drawn)).mean()
  assert error < 8.0  # H.264 is lossy.
  assert not np.array_equal(drawn[0], drawn[9])  # The cart was pushed.
  assert list(path.parent.iterdir()) == [path]


def test_frames_are_one_episode_from_its_first_to_its_last(headless_gl: str) -> None:
  bare = suite.load(
    'cartpole',
    'swingup',
    task_kwargs={'time_limit': 0.05},
    environment_kwargs={'flat_observation': True},
  )
  with control.SingleVector(bare) as environment:
    drawn = list(video.frames(environment, _push, height=24, width=32))
  assert [frame.shape for frame in drawn] == [(24, 32, 3)] * 6  # Five steps.


def test_a_failure_leaves_what_was_there(tmp_path: pathlib.Path) -> None:
  def broken() -> Iterator[np.ndarray]:
    for _ in range(3):
      yield np.zeros((32, 32, 3), np.uint8)
    raise KeyboardInterrupt

  path = tmp_path / 'episode.mp4'
  path.write_bytes(b'the video before')
  with pytest.raises(KeyboardInterrupt):
    video.write(path, broken(), fps=25.0)
  assert path.read_bytes() == b'the video before'
  assert list(tmp_path.iterdir()) == [path]


def test_environment_with_nothing_to_draw_is_refused() -> None:
  bandit = make('bandit:bimodal', seed=0)
  with pytest.raises(UserError, match='nothing to draw'):
    video.frames_per_second(bandit)
  with pytest.raises(UserError, match='nothing to draw'):
    next(video.frames(bandit, _push, height=24, width=32))


def test_frame_larger_than_the_environment_draws_is_refused(
  cartpole: dm_env.Environment,
) -> None:
  with pytest.raises(UserError, match='at most 640 x 480'):
    next(video.frames(cartpole, _push, height=1080, width=1920))


def test_gif_has_frames_as_far_apart_as_viewers_can_show(
  tmp_path: pathlib.Path,
) -> None:
  path = tmp_path / 'episode.GIF'
  shades = (np.full((8, 8, 3), 10 * i, np.uint8) for i in range(10))
  video.write(path, shades, fps=100.0)
  read = imageio.mimread(path)
  assert [int(frame[0, 0, 0]) for frame in read] == [0, 40, 80]
  reader: Any
  with imageio.get_reader(path) as reader:
    assert reader.get_meta_data()['duration'] == 40
  assert list(tmp_path.iterdir()) == [path]


def test_another_ending_is_refused(tmp_path: pathlib.Path) -> None:
  with pytest.raises(UserError, match=r'must end in \.mp4 or \.gif'):
    video.write(tmp_path / 'episode.avi', [], fps=25.0)


def test_episodes_side_by_side_end_with_the_longest() -> None:
  def episode(*shades: int) -> Iterator[np.ndarray]:
    return (np.full((1, 2, 3), shade, np.uint8) for shade in shades)

  frames = list(video.side_by_side([episode(1), episode(2, 3), episode(4, 5)]))
  assert [frame.shape for frame in frames] == [(2, 4, 3)] * 2
  np.testing.assert_array_equal(frames[0][..., 0], [[1, 1, 2, 2], [4, 4, 0, 0]])
  np.testing.assert_array_equal(frames[1][..., 0], [[1, 1, 3, 3], [5, 5, 0, 0]])
