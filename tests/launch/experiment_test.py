"""`qmle experiment`: where its results go."""

import pathlib
from typing import Any

import pytest

from qmle_acme.experiments import conducting
from qmle_acme.launch import experiment


@pytest.mark.parametrize(
  ('options', 'folder'),
  [
    ([], 'runs/experiments/bandit'),
    (['--quick'], 'runs/experiments/bandit-quick'),
    (['--out', 'mine'], 'mine'),
  ],
)
def test_results_go_to_runs_and_not_to_those_of_the_docs(
  options: list[str],
  folder: str,
  tmp_path: pathlib.Path,
  monkeypatch: pytest.MonkeyPatch,
) -> None:
  def conduct(name: str, out: pathlib.Path, *_: Any) -> None:
    out.mkdir(parents=True)
    (out / 'table.md').write_text(name)

  monkeypatch.chdir(tmp_path)
  monkeypatch.setattr(conducting, 'conduct', conduct)

  assert experiment.main(['bandit', *options]) == 0
  assert (tmp_path / folder / 'table.md').read_text() == 'bandit'
