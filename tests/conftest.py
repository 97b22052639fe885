"""Fixtures that more than one folder of tests uses."""

import pathlib
import subprocess
from collections.abc import Iterator

import pytest

from qmle_acme import training
from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.environments import gl
from qmle_acme.errors import UserError
from qmle_acme.runs.config import RunConfig


@pytest.fixture(scope='session')
def headless_gl() -> str:
  """The OpenGL backend in use; skips the test where there is none."""
  try:
    return gl.use_headless_backend()
  except UserError as error:
    pytest.skip(str(error))


@pytest.fixture(scope='session')
def trained_run(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """The folder of a finished run of 50 steps."""
  config = RunConfig(
    run=tmp_path_factory.mktemp('trained') / 'run',
    env='control:cartpole:swingup',
    layout='local',
    steps=50,
    evaluation_episodes=1,
    qmle=QMLEConfig(m_greedy=10, hidden_size=16),
  )
  assert training.run(config).state == 'finished'
  return config.run


@pytest.fixture
def small_disk(tmp_path: pathlib.Path) -> Iterator[pathlib.Path]:
  """A file system of 12 MB."""
  path = tmp_path / 'disk'
  path.mkdir()
  command = ['mount', '-t', 'tmpfs', '-o', 'size=12m', 'none', str(path)]
  if subprocess.run(command, capture_output=True).returncode:
    pytest.skip('no file system can be mounted here')
  yield path
  subprocess.run(['umount', '--lazy', str(path)], check=True)
