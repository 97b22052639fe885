"""docs/python.md is true: its files run as written, in either layout."""

import os
import pathlib
import re
import subprocess
import sys

import pytest
import small_runs
import yaml

from qmle_acme.runs.config import to_dict
from qmle_acme.runs.run_folder import RunFolder

DOCS = pathlib.Path(__file__).parents[1] / 'docs' / 'python.md'
_, ARM, TRAIN = re.findall(r'```python\n(.*?)```', DOCS.read_text(), re.DOTALL)
# A family of a package of its own, as pip would have installed it.
FAMILY = """
import arm
from qmle_acme.environments import own

def names():
  return ('arm',)

def knows(name):
  return name in names()

def make(name, seed):
  return own.adapt(arm.make(seed), seed, name)
"""


def write_arm(folder: pathlib.Path) -> None:
  (folder / 'arm.py').write_text(ARM)


def test_the_file_that_trains(tmp_path: pathlib.Path) -> None:
  write_arm(tmp_path)
  small = TRAIN.replace('30_000', '300').replace('2_000', '150')
  small = small.replace('n_step=3', 'n_step=3, min_replay_size=100, hidden_size=16')
  assert small.count('300') == 1
  (tmp_path / 'mine.py').write_text(small)
  done = subprocess.run(
    [sys.executable, 'mine.py'], cwd=tmp_path, capture_output=True, text=True
  )
  assert done.returncode == 0, done.stderr
  printed = [line for line in done.stdout.splitlines() if re.match(r'\d+ -', line)]
  assert [line.split()[0] for line in printed] == ['0', '150', '300']
  assert done.stdout.splitlines()[-1].startswith('finished -')
  assert RunFolder(tmp_path / 'runs' / 'arm').read_config().env == 'python:arm:make'


@pytest.mark.parametrize('layout', ['local', 'distributed'])
def test_families_of_other_packages(layout: str, tmp_path: pathlib.Path) -> None:
  write_arm(tmp_path)
  (tmp_path / 'robots.py').write_text(FAMILY)
  info = tmp_path / 'robots-1.0.dist-info'
  info.mkdir()
  (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: robots\nVersion: 1.0\n')
  (info / 'entry_points.txt').write_text(
    '[qmle_acme.environments]\nrobots = robots\nbroken = no_such_module\n'
  )
  config = small_runs.make_config(
    tmp_path / 'run', env='bandit:bimodal', layout=layout, actors=1, steps=200
  )
  (tmp_path / 'run.yaml').write_text(yaml.safe_dump(to_dict(config)))

  def train(env: str) -> subprocess.CompletedProcess[str]:
    arguments = ['train', '--config', 'run.yaml', '--run', 'run', '--env', env]
    given = os.environ | {'PYTHONPATH': str(tmp_path)}
    return small_runs.run_qmle(*arguments, cwd=tmp_path, env=given)

  assert 'unknown environment' in train('robots:leg').stderr
  assert 'cannot import no_such_module' in train('broken:x').stderr
  done = train('robots:arm')
  assert done.returncode == 0, done.stdout + done.stderr
  assert RunFolder(tmp_path / 'run').read_status()['state'] == 'finished'
