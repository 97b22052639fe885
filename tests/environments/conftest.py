"""Fixtures of the environment tests."""

import pytest

from qmle_acme.environments import gl
from qmle_acme.errors import UserError


@pytest.fixture(scope='session')
def headless_gl() -> str:
  """The OpenGL backend in use; skips the test where there is none."""
  try:
    return gl.use_headless_backend()
  except UserError as error:
    pytest.skip(str(error))
