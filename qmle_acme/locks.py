"""Folders that one process at a time uses alone."""

import fcntl
import pathlib
import time
from typing import TextIO

from qmle_acme.errors import UserError

_NAME = '.lock'
_ATTEMPTS, _SECONDS = 5, 0.02


def lock(folder: pathlib.Path, user: str) -> TextIO:
  """Returns the lock of a folder that is there, held until it is closed.

  Args:
    folder: that is to be used alone.
    user: the command that does, for errors.

  Raises:
    UserError: another process holds it.
  """
  file = (folder / _NAME).open('w')
  for attempt in range(_ATTEMPTS):
    try:
      fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
      break
    except BlockingIOError:
      if attempt == _ATTEMPTS - 1:
        file.close()
        raise UserError(f'{folder} is in use by another `{user}`') from None
      time.sleep(_SECONDS)  # `is_held` holds it for a moment.
  return file


def is_held(folder: pathlib.Path) -> bool:
  """Returns whether a process holds a folder's lock, as far as can be known."""
  try:
    with (folder / _NAME).open() as file:
      fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
  except FileNotFoundError:
    return False
  except OSError:  # It is held, or nobody may ask.
    return True
  return False
