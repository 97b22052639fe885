"""Names of environments: all known ones, the unknown ones, and what a look-up costs."""

import subprocess
import sys

import numpy as np
import pytest
from dm_control import suite

from qmle_acme import environments
from qmle_acme.environments import bandit, make, names
from qmle_acme.errors import UserError


def test_names_are_the_whole_suite_and_those_of_the_other_families() -> None:
  known = names()
  assert len(known) == len(set(known))
  assert sum(name.startswith('control:') for name in known) == len(suite.ALL_TASKS)
  for domain, task in suite.ALL_TASKS:
    assert f'control:{domain}:{task}' in known
  for name in (
    'control:dog:run',
    'control:humanoid_CMU:stand',
    'bandit:bimodal',
    'gymnasium:Hopper-v5',
    'synthetic:hybrid',
  ):
    assert name in known


def test_humanoid_cmu_has_56_action_dimensions() -> None:
  with make('control:humanoid_CMU:stand', seed=0) as environment:
    assert environment.action_spec().shape == (56,)
    timestep = environment.reset()
    assert timestep.observation.shape == environment.observation_spec().shape
    assert not environment.step(np.zeros(56)).last()


@pytest.mark.parametrize(
  ('name', 'nearest'),
  [
    ('control:walker:wlk', 'nearest: control:walker:walk'),
    ('walker:walk', 'control:walker:walk'),
    ('bandit', 'bandit:bimodal'),
    ('control:', 'control:'),
    ('control:walker:walk:', 'nearest: control:walker:walk'),
    ('', 'nearest: '),
  ],
)
def test_unknown_name_gets_one_line_with_the_nearest(name: str, nearest: str) -> None:
  with pytest.raises(UserError) as error:
    make(name, seed=0)
  message = str(error.value)
  assert message.startswith(f'unknown environment {name!r}; ')
  assert nearest in message
  assert '\n' not in message


def test_simple_environments_are_made_without_the_simulators() -> None:
  program = (
    'import sys; from qmle_acme import environments; '
    'environments.make("bandit:bimodal", seed=0); '
    'environments.make("synthetic:hybrid", seed=0); '
    'heavy = {"dm_control", "mujoco", "gymnasium", "acme", "tensorflow", "jax"}; '
    'assert not heavy & set(sys.modules), heavy & set(sys.modules)'
  )
  subprocess.run([sys.executable, '-c', program], check=True)


def test_an_environment_that_needs_arguments_gets_a_way_on(
  monkeypatch: pytest.MonkeyPatch,
) -> None:
  def make_bandit(name: str, seed: int, path: str) -> None: ...

  monkeypatch.setattr(bandit, 'make', make_bandit)
  with pytest.raises(UserError, match="'path'; it is made without arguments: give"):
    environments.make('bandit:bimodal', 0)
