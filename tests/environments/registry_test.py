"""Names of environments: all known ones, the unknown ones, and what a look-up costs."""

import subprocess
import sys

import pytest
from dm_control import suite

from qmle_acme.environments import make, names
from qmle_acme.errors import UserError


def test_names_are_the_whole_suite_and_the_bandit() -> None:
  known = names()
  assert len(known) == len(set(known)) == len(suite.ALL_TASKS) + 1
  for domain, task in suite.ALL_TASKS:
    assert f'control:{domain}:{task}' in known
  for name in ('control:dog:run', 'control:humanoid_CMU:stand', 'bandit:bimodal'):
    assert name in known


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


def test_the_bandit_is_made_without_the_simulator() -> None:
  program = (
    'import sys; from qmle_acme import environments; '
    'environments.make("bandit:bimodal", seed=0); '
    'heavy = {"dm_control", "mujoco", "imageio", "acme", "tensorflow", "jax"}; '
    'assert not heavy & set(sys.modules), heavy & set(sys.modules)'
  )
  subprocess.run([sys.executable, '-c', program], check=True)
