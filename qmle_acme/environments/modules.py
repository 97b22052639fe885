"""Modules of the user's own that the names of environments name."""

import importlib
import os
import re
from types import ModuleType

from qmle_acme.errors import UserError, described


def check_is_no_path(name: str) -> None:
  """Refuses the path of a file, './mine.py:make', where a module is to be named.

  Raises:
    UserError: it is one; the message has the right form.
  """
  found = re.fullmatch(r'(?:(.*)/)?(\w+)\.py(?::(\w+))?', name)
  if found:
    folder, module, function = found.groups()
    where = f'in the folder {folder}' if folder else 'in its folder'
    raise UserError(
      f'{name} is a file: name its module, {where}: '
      f'--env python:{module}:{function or "<function>"}'
    )


def load(module: str, environment: str) -> ModuleType:
  """Returns a module.

  Args:
    module: its name.
    environment: that names it, for errors.

  Raises:
    UserError: it cannot be imported.
  """
  try:
    return importlib.import_module(module)
  except UserError:
    raise
  except (Exception, SystemExit) as error:  # Whatever a module of the user's raises.
    message = described(error)
    if isinstance(error, ModuleNotFoundError):
      message += (
        f'; searched were {os.getcwd()} and PYTHONPATH: install it, call from the '
        'folder that it lies in, or add that to PYTHONPATH'
      )
    raise UserError(f'{environment}: cannot import {module}: {message}') from error
