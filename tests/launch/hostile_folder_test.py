"""A run folder that came from somebody else is read, and no code in it is run."""

import hashlib
import json
import os
import pathlib
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable

import pytest
import yaml

from qmle_acme.errors import UserError
from qmle_acme.launch import evaluate, render, report, status, train

QMLE = pathlib.Path(sys.executable).with_name('qmle')
RECORDS = ('status.json', 'starts.jsonl', 'evaluations.jsonl', 'metrics.jsonl')


class Bomb:
  """Touches a file when it is read from a pickle."""

  def __init__(self, path: pathlib.Path):
    self._path = path

  def __reduce__(self) -> tuple[Callable[[str], int], tuple[str]]:
    return os.system, (f'touch {self._path}',)


@pytest.fixture(scope='module')
def finished(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """The folder of a finished run, whose episodes have one step."""
  folder = tmp_path_factory.mktemp('finished') / 'run'
  small = '--layout local --steps 50 --evaluation-episodes 1 --qmle.hidden-size 16'
  arguments = ['--run', str(folder), '--env', 'synthetic:box:2', *small.split()]
  assert train.main(arguments) == 0
  return folder


@pytest.fixture
def run(finished: pathlib.Path, tmp_path: pathlib.Path) -> pathlib.Path:
  """A copy of a finished run."""
  return pathlib.Path(shutil.copytree(finished, tmp_path / 'runs' / 'run'))


@pytest.fixture
def trace(tmp_path: pathlib.Path) -> pathlib.Path:
  """A file that is there once code of the folder has run."""
  return tmp_path / 'trace'


def test_the_bomb_would_go_off(trace: pathlib.Path) -> None:
  pickle.loads(pickle.dumps(Bomb(trace)))
  assert trace.exists()


def use(run: pathlib.Path, tmp_path: pathlib.Path) -> None:
  """Has all commands read the folder that read one; they may refuse it, in one line."""
  video, page = str(tmp_path / 'x.mp4'), str(tmp_path / 'report')
  resumed = ['--run', str(run), '--config', str(run / 'config.yaml'), '--steps', '60']
  for main, arguments in (
    (status.main, [str(run)]),
    (evaluate.main, [str(run), '--episodes', '1']),
    (render.main, [str(run), '--out', video, '--height', '16', '--width', '16']),
    (report.main, [str(run.parent), '--out', page]),
    (train.main, resumed),
  ):
    try:
      main(arguments)
    except UserError as error:
      assert '\n' not in str(error)


@pytest.mark.parametrize('name', ['config.yaml', *RECORDS])
def test_a_pickle_in_the_place_of_a_record_is_not_loaded(
  run: pathlib.Path, trace: pathlib.Path, tmp_path: pathlib.Path, name: str
) -> None:
  (run / name).write_bytes(pickle.dumps(Bomb(trace)))

  use(run, tmp_path)

  assert not trace.exists()


def test_tags_of_yaml_make_no_objects(
  run: pathlib.Path, trace: pathlib.Path, tmp_path: pathlib.Path
) -> None:
  settings = (run / 'config.yaml').read_text()
  bomb = f'!!python/object/apply:os.system ["touch {trace}"]'
  (run / 'config.yaml').write_text(settings.replace('seed: 1', f'seed: {bomb}'))
  assert bomb in (run / 'config.yaml').read_text()

  use(run, tmp_path)

  assert not trace.exists()


@pytest.mark.parametrize('part', ['learner', 'replay'])
def test_a_checkpoint_of_pickles_is_not_loaded(
  run: pathlib.Path, trace: pathlib.Path, tmp_path: pathlib.Path, part: str
) -> None:
  """Its digests are right, as whoever writes it can make them."""
  folder = run / 'checkpoints' / part / '1'
  bomb = pickle.dumps(Bomb(trace))
  manifest = json.loads((folder / 'manifest.json').read_text())
  del manifest['digest']
  for name in manifest['files']:
    (folder / name).write_bytes(bomb)
    manifest['files'][name] = hashlib.sha256(bomb).hexdigest()
  text = json.dumps(manifest, sort_keys=True).encode()
  manifest['digest'] = hashlib.sha256(text).hexdigest()
  (folder / 'manifest.json').write_text(json.dumps(manifest))

  try:
    use(run, tmp_path)
  except Exception as error:  # Of TensorFlow or Reverb, which took it for their own.
    assert 'manifest' not in str(error)

  assert not trace.exists()


@pytest.mark.parametrize('below', ['.', pytest.param('logs', marks=pytest.mark.slow)])
def test_a_module_in_a_run_folder_is_not_imported(
  run: pathlib.Path, trace: pathlib.Path, below: str
) -> None:
  settings = yaml.safe_load((run / 'config.yaml').read_text())
  settings['env'] = 'gymnasium:hostile:Any-v0'
  (run / 'config.yaml').write_text(yaml.safe_dump(settings))
  code = f'import pathlib; pathlib.Path({str(trace)!r}).touch()'
  (run / below / 'hostile.py').write_text(code)

  command = [str(QMLE), 'evaluate', str(run)]
  done = subprocess.run(command, cwd=run / below, capture_output=True, text=True)

  lines = [line for line in done.stderr.splitlines() if not line.endswith(' ...')]
  assert done.returncode == 2 and len(lines) == 1, done.stderr
  assert not trace.exists()
  # Elsewhere a module of the user's own is imported.
  own = shutil.copy(run / below / 'hostile.py', run.parent)
  subprocess.run(command, cwd=run.parent, capture_output=True)
  assert trace.exists(), own


def test_a_status_shows_marks_as_they_are(
  run: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
  found = json.loads((run / 'status.json').read_text())
  (run / 'status.json').write_text(json.dumps(found | {'error': '[/b] \x1b]0;x\x07'}))

  assert status.main([str(run)]) == 0

  out = capsys.readouterr().out
  assert '[/b]' in out and '\x1b' not in out
