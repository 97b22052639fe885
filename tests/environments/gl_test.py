"""The choice of an OpenGL backend, each time in a fresh process: it is made once."""

import os
import subprocess
import sys

import pytest

_PROGRAM = """
from dm_control import suite  # With MUJOCO_GL unset, this takes GLFW.
from dm_control import _render
from qmle_acme.environments import gl
from qmle_acme.errors import UserError
try:
  backend = gl.use_headless_backend()
except UserError as error:
  print('UserError', error)
else:
  physics = suite.load('cartpole', 'swingup').physics
  drawn = physics.render(24, 32, camera_id=0).std() > 0
  physics.free()
  print(backend, _render.BACKEND, drawn)
"""


def _choose(**variables: str) -> str:
  """Returns what the program prints with these variables set, and no others of GL."""
  chosen = ('MUJOCO_GL', 'PYOPENGL_PLATFORM', 'MUJOCO_EGL_DEVICE_ID', 'DISPLAY')
  environment = {key: value for key, value in os.environ.items() if key not in chosen}
  return subprocess.run(
    [sys.executable, '-c', _PROGRAM],
    env={**environment, **variables},
    check=True,
    capture_output=True,
    text=True,
  ).stdout.strip()


def test_falls_back_to_osmesa_where_egl_has_no_device(headless_gl: str) -> None:
  printed = _choose(MUJOCO_EGL_DEVICE_ID='99')
  if 'UserError' in printed:
    pytest.skip(f'OSMesa is not installed: {printed}')
  assert printed == 'osmesa osmesa True'


def test_what_is_asked_for_and_does_not_work_is_one_line_of_advice() -> None:
  printed = _choose(MUJOCO_GL='off')
  assert printed.startswith('UserError cannot render: OpenGL by off ')
  for word in ('unset MUJOCO_GL', 'libegl1', 'libgl1', 'libosmesa6'):
    assert word in printed
  assert '\n' not in printed


def test_a_machine_without_a_display_is_no_warning() -> None:
  environment = {
    k: v for k, v in os.environ.items() if k not in ('DISPLAY', 'MUJOCO_GL')
  }
  script = (
    'from qmle_acme import environments\n'
    "environments.make('control:cartpole:swingup', seed=0)"
  )
  process = subprocess.run(
    [sys.executable, '-c', script], env=environment, capture_output=True, check=True
  )
  assert process.stderr == b''
