"""Which OpenGL backend MuJoCo draws with on a machine that has no display."""

import functools
import importlib
import os
import subprocess
import sys

from qmle_acme.errors import UserError

_VARIABLE = 'MUJOCO_GL'
_PREFERRED = ('egl', 'osmesa')
_PROBE = """
from dm_control import mujoco
physics = mujoco.Physics.from_xml_string('<mujoco/>')
physics.render(8, 8)
physics.free()
"""


@functools.cache
def use_headless_backend() -> str:
  """Makes dm_control draw with a backend that works here, and returns its name.

  That is the one that MUJOCO_GL names; if it is not set, EGL, else OSMesa. The choice
  is left in MUJOCO_GL, so processes started from now on make it too. Takes about two
  seconds the first time.

  Raises:
    UserError: none works.
  """
  asked = os.environ.get(_VARIABLE)
  tried = (asked,) if asked else _PREFERRED
  backend = next(filter(_works, tried), None)
  if backend is None:
    raise UserError(
      f'cannot render: OpenGL by {" or ".join(tried)} does not work here; unset '
      f'{_VARIABLE}, and on Debian: apt-get install libegl1 libgl1 (or libosmesa6)'
    )
  os.environ[_VARIABLE] = backend
  _reload(backend)
  return backend


def _works(backend: str) -> bool:
  """Draws with a backend in a process of its own.

  In this one a failed attempt would bind PyOpenGL to that backend for good.
  """
  environment = {**os.environ, _VARIABLE: backend}
  probe = [sys.executable, '-c', _PROBE]
  return subprocess.run(probe, env=environment, capture_output=True).returncode == 0


def _reload(backend: str) -> None:
  """Chooses again if dm_control was imported earlier.

  It chooses at import, and with MUJOCO_GL unset takes GLFW even without a display.
  """
  module = sys.modules.get('dm_control._render')
  if module is not None and getattr(module, 'BACKEND', None) != backend:
    importlib.reload(module)
