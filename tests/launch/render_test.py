"""`qmle render` on a trained run."""

import pathlib

import imageio.v2 as imageio
import pytest

from launch import render
from qmle_acme.environments import gl
from qmle_acme.errors import UserError


def test_video(
  trained: pathlib.Path, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
  try:
    gl.use_headless_backend()
  except UserError as error:
    pytest.skip(str(error))
  out = tmp_path / 'videos' / 'episode.mp4'
  size = ['--height', '48', '--width', '64']

  assert render.main([str(trained), '--out', str(out), *size]) == 0

  assert capsys.readouterr().out == f'wrote {out}\n'
  with imageio.get_reader(out) as reader:
    metadata = reader.get_meta_data()
    assert metadata['size'] == (64, 48)
    assert metadata['fps'] == pytest.approx(100.0)
    assert reader.count_frames() == 1_001
  assert list(out.parent.iterdir()) == [out]
