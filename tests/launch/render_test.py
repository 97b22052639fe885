"""`qmle render` on a trained run."""

import pathlib
import subprocess
import time
from typing import Any

import imageio.v2 as imageio
import numpy as np
import pytest
import small_runs

from qmle_acme import environments, training
from qmle_acme.environments import video
from qmle_acme.errors import UserError
from qmle_acme.launch import render


@pytest.mark.slow
@pytest.mark.usefixtures('headless_gl')
def test_video(
  trained_run: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
  out = tmp_path / 'videos' / 'episode.mp4'
  size = ['--height', '48', '--width', '64']

  assert render.main([str(trained_run), '--out', str(out), *size]) == 0

  assert capsys.readouterr().out == f'wrote {out}\n'
  reader: Any
  with imageio.get_reader(out) as reader:
    metadata = reader.get_meta_data()
    assert metadata['size'] == (64, 48)
    assert metadata['fps'] == pytest.approx(100.0)
    assert reader.count_frames() == 1_001
  assert list(out.parent.iterdir()) == [out]


@pytest.mark.usefixtures('headless_gl')
def test_three_episodes_side_by_side_as_a_gif(tmp_path: pathlib.Path) -> None:
  # Episodes of a few steps: the pendulum falls.
  config = small_runs.make_config(
    tmp_path / 'run', env='gymnasium:InvertedPendulum-v5', steps=50
  )
  assert training.run(config).state == 'finished'
  out = tmp_path / 'episodes.gif'
  size = ['--height', '24', '--width', '32', '--grid', '3']
  assert render.main([str(config.run), '--out', str(out), *size]) == 0
  reader: Any
  with imageio.get_reader(out) as reader:
    assert reader.get_data(0).shape[:2] == (48, 64)
    tiles = [reader.get_data(0)[:24, 32 * i :][:, :32] for i in range(2)]
  assert not np.array_equal(*tiles)  # Each from an initial state of its own.


def test_a_name_that_is_no_video_is_refused(trained_run: pathlib.Path) -> None:
  with pytest.raises(UserError, match='mp4 or'):
    render.main([str(trained_run), '--out', 'episode.avi'])


def test_an_environment_that_cannot_draw_is_one_line(tmp_path: pathlib.Path) -> None:
  def broken(height: int, width: int) -> np.ndarray:
    raise RuntimeError('no\nGPU')

  environment = environments.make('gymnasium:Pendulum-v1', seed=0)
  environment.unchecked.render = broken
  frames = video.frames(environment, lambda observation: np.zeros(1), 8, 8)
  what = r'^`render` of .* failed: RuntimeError: no GPU \(.*_test.py:\d+\)$'
  with pytest.raises(UserError, match=what):
    video.write(tmp_path / 'x.gif', frames, fps=25.0)
  assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures('headless_gl')
def test_a_signal_leaves_no_part_of_a_video(
  trained_run: pathlib.Path, tmp_path: pathlib.Path
) -> None:
  out = tmp_path / 'videos' / 'episode.mp4'
  process = subprocess.Popen(
    small_runs.qmle('render', str(trained_run), '--out', str(out), '--grid', '9')
  )
  deadline = time.monotonic() + small_runs.PATIENCE_SECONDS
  while not list(tmp_path.glob('videos/.*')):
    assert process.poll() is None and time.monotonic() < deadline
    time.sleep(0.1)
  process.terminate()

  assert process.wait(small_runs.PATIENCE_SECONDS) == 143
  assert list(out.parent.iterdir()) == []
