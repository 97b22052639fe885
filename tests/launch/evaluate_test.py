"""`qmle evaluate` on a trained run."""

import json
import pathlib
import shutil

import numpy as np
import pytest

from qmle_acme.errors import UserError
from qmle_acme.launch import evaluate
from qmle_acme.runs.evaluations import best_of, read_evaluations
from qmle_acme.runs.run_folder import RunFolder


def test_json(trained_run: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
  before = sorted(trained_run.rglob('*'))

  assert evaluate.main([str(trained_run), '--json', '--episodes', '2']) == 0

  data = json.loads(capsys.readouterr().out)
  returns = data.pop('episode_returns')
  assert len(returns) == 2
  assert all(0.0 <= value <= 1000.0 for value in returns)
  assert data == {
    'actor_steps': 50,
    'episode_return_mean': pytest.approx(np.mean(returns)),
    'episode_return_deviation': pytest.approx(np.std(returns)),
  }
  assert (
    sorted(trained_run.rglob('*')) == before
  )  # Looking at a run does not change it.


def test_text(trained_run: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
  assert evaluate.main([str(trained_run), '--episodes', '1', '--seed', '3']) == 0

  episode, summary = capsys.readouterr().out.splitlines()
  assert episode.startswith('episode   1 ')
  assert summary.startswith(f'return {float(episode.split()[-1]):.2f} +- 0.00 (mean')
  assert 'of 1 greedy episode, after 50 steps)' in summary


def test_best(trained_run: pathlib.Path, capsys: pytest.CaptureFixture[str]) -> None:
  best = best_of(read_evaluations(RunFolder(trained_run)))
  assert best is not None

  arguments = [str(trained_run), '--best', '--json', '--episodes', '1']
  assert evaluate.main(arguments) == 0

  assert json.loads(capsys.readouterr().out)['actor_steps'] == best.actor_steps


def test_best_that_is_gone(trained_run: pathlib.Path, tmp_path: pathlib.Path) -> None:
  run = shutil.copytree(trained_run, tmp_path / 'run')
  shutil.rmtree(run / 'checkpoints' / 'best')

  with pytest.raises(UserError, match='has no best checkpoint: no evaluation has kept'):
    evaluate.main([str(run), '--best'])


def test_damaged_checkpoint(trained_run: pathlib.Path, tmp_path: pathlib.Path) -> None:
  run = shutil.copytree(trained_run, tmp_path / 'run')
  (data,) = (run / 'checkpoints' / 'learner').glob('*/*.data-*')
  data.write_bytes(data.read_bytes()[:1000])

  with pytest.raises(UserError, match='no checkpoint is whole: '):
    evaluate.main([str(run)])
