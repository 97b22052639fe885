"""A trained run for the commands that look at one."""

import pathlib

import pytest

from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.experiments import running
from qmle_acme.experiments.config import RunConfig


@pytest.fixture(scope='package')
def trained(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """The folder of a finished run of 50 steps."""
  config = RunConfig(
    run=tmp_path_factory.mktemp('trained') / 'run',
    env='control:cartpole:swingup',
    layout='local',
    steps=50,
    evaluation_episodes=1,
    qmle=QMLEConfig(m_greedy=10, hidden_size=16),
  )
  assert running.run(config).state == 'finished'
  return config.run
