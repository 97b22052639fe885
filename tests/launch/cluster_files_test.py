"""`qmle cluster` writes over its own files, and over nobody else's."""

import pathlib

import pytest

from qmle_acme.errors import UserError
from qmle_acme.launch import cluster


def test_files_of_others_are_left_alone(
  tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
  theirs = tmp_path / 'compose.yaml'
  command = ['compose', '--run', 'x', '--env', 'bandit:bimodal', '--out', str(tmp_path)]
  theirs.write_text('services: {}')
  with pytest.raises(UserError, match=r'compose\.yaml is there and was not written by'):
    cluster.main(command)
  assert [path.name for path in tmp_path.iterdir()] == ['compose.yaml']
  assert theirs.read_text() == 'services: {}'

  theirs.unlink()
  for word in ('wrote', 'replaced'):
    assert cluster.main(command) == 0
    assert f'{word} {theirs}' in capsys.readouterr().out
