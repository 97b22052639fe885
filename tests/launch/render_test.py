"""`qmle render` on a trained run."""

import pathlib
from typing import Any

import imageio.v2 as imageio
import pytest

from qmle_acme.launch import render


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
