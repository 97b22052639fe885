"""Who is told that this machine has too little memory."""

import pathlib

import pytest
import small_runs

from qmle_acme import training
from qmle_acme.errors import UserError
from qmle_acme.runs import memory

GIB = 2**30


def test_as_many_actors_as_have_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setattr(memory, 'available', lambda: 2 * GIB)
  memory.check_actors(20)
  with pytest.raises(UserError) as caught:
    memory.check_actors(21)
  assert str(caught.value) == (
    'actors is 21: each takes a process of 0.1 GiB or more, and this machine has 2.0; '
    '20 fit at most'
  )


def test_a_run_of_too_many_processes_leaves_nothing(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.setattr(memory, 'available', lambda: 2 * GIB)
  config = small_runs.make_config(tmp_path / 'run', layout='distributed', actors=21)
  with pytest.raises(UserError, match='20 fit at most'):
    training.run(config)
  assert not config.run.exists()
