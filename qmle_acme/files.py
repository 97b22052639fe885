"""Folders and files that are whole, or not there."""

import os
import pathlib
import tempfile

from qmle_acme.errors import UserError


def make_folder(path: pathlib.Path) -> None:
  """Makes a folder, and those above it, unless it is there.

  Raises:
    UserError: it cannot be made, or there is no writing in it.
  """
  try:
    path.mkdir(parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=path).close()
  except OSError as error:
    raise UserError(f'cannot write in {path}: {error.strerror or error}') from error


def make_place(path: pathlib.Path) -> None:
  """Makes the folder that a file is to be written in.

  Raises:
    UserError: there is no writing in it, or a folder is in the place of the file.
  """
  if path.is_dir():
    raise UserError(f'{path} is a folder: name a file')
  make_folder(path.parent)


def write_atomically(path: pathlib.Path, text: str) -> None:
  """Writes a text file so that a reader finds the old or the new one, whole."""
  temporary = path.with_name(f'.{path.name}.{os.getpid()}')
  temporary.write_text(text)
  temporary.replace(path)
