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
from qmle_acme.runs.records import read_metrics
from qmle_acme.runs.run_folder import RunFolder

both_layouts = pytest.mark.parametrize(
  'layout', ['local', pytest.param('distributed', marks=pytest.mark.slow)]
)
DOCS = pathlib.Path(__file__).parents[1] / 'docs' / 'python.md'
_, ARM, TRAIN, LAPLACE_CONFIG, LAPLACE, SHOOTING_CONFIG, SHOOTING = re.findall(
  r'```python\n(.*?)```', DOCS.read_text(), re.DOTALL
)
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


def install(folder: pathlib.Path, entry_points: str) -> None:
  """Leaves what pip leaves of a package, whose modules lie in the folder."""
  info = folder / 'robots-1.0.dist-info'
  info.mkdir()
  (info / 'METADATA').write_text('Metadata-Version: 2.1\nName: robots\nVersion: 1.0\n')
  (info / 'entry_points.txt').write_text(entry_points)


@both_layouts
@pytest.mark.slow
def test_families_of_other_packages(layout: str, tmp_path: pathlib.Path) -> None:
  write_arm(tmp_path)
  (tmp_path / 'robots.py').write_text(FAMILY)
  install(
    tmp_path,
    '[qmle_acme.environments]\nrobots = robots\nbroken = no_such_module\n',
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


@pytest.mark.slow
def test_predictors_of_other_packages(tmp_path: pathlib.Path) -> None:
  (tmp_path / 'laplace_config.py').write_text(LAPLACE_CONFIG)
  (tmp_path / 'laplace.py').write_text(LAPLACE)
  install(tmp_path, '[qmle_acme.predictors]\nlaplace = laplace_config:LaplaceConfig\n')
  config = small_runs.make_config(tmp_path / 'run', steps=200, evaluation_period=100)
  (tmp_path / 'run.yaml').write_text(yaml.safe_dump(to_dict(config)))
  given = os.environ | {'PYTHONPATH': str(tmp_path)}

  def qmle(*arguments: str) -> subprocess.CompletedProcess[str]:
    return small_runs.run_qmle(*arguments, cwd=tmp_path, env=given)

  run = ('train', '--config', 'run.yaml', '--run', 'run')
  wide = tmp_path / 'wide.yaml'
  wide.write_text('qmle: {predictors: [{family: laplace, ratio: 0.5, scale: wide}]}')
  assert (
    'scale: input should be a valid number'
    in qmle(*run, '--config', 'wide.yaml').stderr
  )
  done = qmle(*run, '--qmle.predictors', 'laplace=0.5')
  assert done.returncode == 0, done.stdout + done.stderr
  learned = read_metrics(RunFolder(tmp_path / 'run').metrics, 'learner')
  assert learned[-1]['winner/laplace'] > 0.0
  # Whoever reads the run needs the package, and is told so without it.
  assert qmle('evaluate', 'run', '--episodes', '1').returncode == 0
  without = small_runs.run_qmle('evaluate', str(tmp_path / 'run'))
  assert "unknown predictor family 'laplace'" in without.stderr


@both_layouts
def test_agents_of_other_packages(layout: str, tmp_path: pathlib.Path) -> None:
  (tmp_path / 'shooting_config.py').write_text(SHOOTING_CONFIG)
  (tmp_path / 'shooting.py').write_text(SHOOTING)
  install(tmp_path, '[qmle_acme.agents]\nshooting = shooting_config:ShootingConfig\n')
  (tmp_path / 'run.yaml').write_text(
    f'{{env: "bandit:bimodal", layout: {layout}, actors: 1, evaluation_episodes: 1,'
    'agent: shooting, shooting: {batch_size: 16, min_replay_size: 50, candidates: 8}}'
  )
  given = os.environ | {'PYTHONPATH': str(tmp_path)}

  def qmle(*arguments: str) -> subprocess.CompletedProcess[str]:
    return small_runs.run_qmle(*arguments, cwd=tmp_path, env=given)

  run = ('train', '--config', 'run.yaml', '--run', 'run', '--steps', '200')
  few = ('--shooting.candidates', '4')
  refused = qmle(*run, '--shooting.candidates', '0')
  assert 'shooting.candidates is 0: it must be at least 1' in refused.stderr
  done = qmle(*run, *few)
  assert done.returncode == 0, done.stdout + done.stderr
  folder = RunFolder(tmp_path / 'run')
  settings = folder.read_settings()
  assert settings['shooting']['candidates'] == 4
  assert 'qmle' not in settings  # Nor those of any other that is not trained.
  learned = read_metrics(folder.metrics, 'learner')
  assert learned[-1]['learner_steps'] > 100 and learned[-1]['loss'] > 0.0
  # It goes on, with other settings refused, and without its package nothing reads it.
  assert 'candidates: 4 -> 8' in qmle(*run).stderr
  assert qmle(*run, *few, '--steps', '300').returncode == 0
  assert qmle('evaluate', 'run', '--episodes', '1').returncode == 0
  without = small_runs.run_qmle('evaluate', str(tmp_path / 'run'))
  assert "config.yaml: unknown agent 'shooting'" in without.stderr


@pytest.mark.parametrize(
  ('name', 'source', 'reason'),
  [
    ('steps', SHOOTING_CONFIG.replace("'shooting'", "'steps'"), 'a setting has that'),
    ('shot', SHOOTING_CONFIG, "with AGENT = 'shot'"),
    ('shooting', 'class ShootingConfig:\n  AGENT = "shooting"', 'must be a dataclass'),
  ],
)
def test_an_agent_that_cannot_be_used_is_named(
  name: str, source: str, reason: str, tmp_path: pathlib.Path
) -> None:
  (tmp_path / 'shooting_config.py').write_text(source)
  install(tmp_path, f'[qmle_acme.agents]\n{name} = shooting_config:ShootingConfig\n')
  done = small_runs.run_qmle(
    'train', '--run', 'x', env=os.environ | {'PYTHONPATH': str(tmp_path)}, cwd=tmp_path
  )
  assert done.returncode == 2
  (line,) = done.stderr.splitlines()
  assert f'{name} (qmle_acme.agents)' in line and reason in line


def test_a_package_that_cannot_be_imported_is_named(tmp_path: pathlib.Path) -> None:
  install(tmp_path, '[qmle_acme.predictors]\nbroken = no_such_module:Config\n')
  done = small_runs.run_qmle(
    'train', '--run', 'x', env=os.environ | {'PYTHONPATH': str(tmp_path)}, cwd=tmp_path
  )
  assert done.returncode == 2
  (line,) = done.stderr.splitlines()
  assert 'broken of robots (qmle_acme.predictors) cannot be imported: ' in line


def test_a_module_of_other_packages_may_be_imported_first(
  tmp_path: pathlib.Path,
) -> None:
  (tmp_path / 'laplace_config.py').write_text(LAPLACE_CONFIG)
  install(tmp_path, '[qmle_acme.predictors]\nlaplace = laplace_config:LaplaceConfig\n')
  code = (
    'import laplace_config, qmle_acme; '
    'own = laplace_config.LaplaceConfig(0.5); '
    'print(qmle_acme.QMLEConfig(predictors=(own,), uniform_ratio=0.5).predictors)'
  )
  done = subprocess.run(
    [sys.executable, '-c', code],
    capture_output=True,
    text=True,
    env=os.environ | {'PYTHONPATH': str(tmp_path)},
  )
  assert 'scale=0.1' in done.stdout, done.stderr
