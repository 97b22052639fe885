"""What is built of the package installs and trains where there is no checkout."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig
import zipfile

import pytest

ROOT = pathlib.Path(__file__).parents[1]
FOLDERS = ('qmle_acme', 'launch', 'configs')
BUILT = shutil.ignore_patterns('*.so', '__pycache__')
TRAIN = (
  'train --env bandit:bimodal --layout local --steps 300 --evaluation-period 300 '
  '--evaluation-episodes 2 --qmle.min-replay-size 100'
)


def build(source: pathlib.Path, kind: str, out: pathlib.Path) -> pathlib.Path:
  """Returns what the build backend makes of a source tree: 'sdist' or 'wheel'."""
  script = f'from setuptools import build_meta; build_meta.build_{kind}({str(out)!r})'
  subprocess.run([sys.executable, '-c', script], cwd=source, check=True)
  (built,) = out.glob('*.tar.gz' if kind == 'sdist' else '*.whl')
  return built


@pytest.fixture(scope='module')
def wheel(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """The wheel that is made of the unpacked sdist, so that both are whole."""
  folder = tmp_path_factory.mktemp('built')
  for name in FOLDERS:
    shutil.copytree(ROOT / name, folder / 'source' / name, ignore=BUILT)
  for path in ROOT.iterdir():
    if path.is_file() and path.name != '.git':
      shutil.copy(path, folder / 'source')
  sdist = build(folder / 'source', 'sdist', folder)
  shutil.unpack_archive(sdist, folder / 'unpacked')
  (source,) = (folder / 'unpacked').iterdir()
  return build(source, 'wheel', folder)


@pytest.mark.slow
def test_one_top_level_name_with_kernels_and_data(wheel: pathlib.Path) -> None:
  names = zipfile.ZipFile(wheel).namelist()
  tops = {name.split('/')[0] for name in names}
  assert {top for top in tops if not top.endswith('.dist-info')} == {'qmle_acme'}
  assert {
    'qmle_acme/kernels/_operations.so',
    'qmle_acme/kernels/_stored.so',
    'qmle_acme/kernels/_loopback.so',
    'qmle_acme/py.typed',
    'qmle_acme/configs/suites/quick.yaml',
    'qmle_acme/configs/baselines/d4pg_tuned.yaml',
  } <= set(names)
  assert any(name.endswith('.dist-info/licenses/LICENSE') for name in names)


@pytest.mark.slow
def test_trains_in_a_clean_environment(
  wheel: pathlib.Path, tmp_path: pathlib.Path
) -> None:
  venv = tmp_path / 'venv'
  subprocess.run([sys.executable, '-m', 'venv', venv], check=True)
  pip = [str(venv / 'bin' / 'python'), '-m', 'pip', 'install', '--quiet']
  subprocess.run([*pip, '--no-index', '--no-deps', str(wheel)], check=True)
  # The libraries, but not this checkout: .pth files in there are not read.
  site = venv / 'lib' / 'python3.10' / 'site-packages'
  (site / 'libraries.pth').write_text(sysconfig.get_path('purelib') + '\n')

  def qmle(*arguments: str) -> str:
    done = subprocess.run(
      [venv / 'bin' / 'qmle', *arguments],
      cwd=tmp_path,
      env={'PATH': os.environ['PATH'], 'HOME': str(tmp_path)},
      capture_output=True,
      text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

  assert qmle('--version').startswith('qmle ')
  assert 'finished' in qmle(*TRAIN.split(), '--run', 'run')
  status = json.loads((tmp_path / 'run' / 'status.json').read_text())
  assert status['state'] == 'finished' and status['learner_steps'] > 0
  plan = qmle('benchmark', '--suite', 'quick', '--print-commands', '--out', 'out')
  assert '--env control:' in plan
