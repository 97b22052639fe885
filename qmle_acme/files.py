"""Folders and files that are whole, or not there."""

import contextlib
import errno
import json
import math
import os
import pathlib
import tempfile
from collections.abc import Iterator, Sequence
from typing import Any

from qmle_acme.errors import UserError, unreadable


def make_folder(path: pathlib.Path, mode: int = 0o777) -> None:
  """Makes a folder, and those above it, unless it is there.

  Args:
    path: of the folder.
    mode: of the folder itself if it is made, less what the umask takes away.

  Raises:
    UserError: it cannot be made, or there is no writing in it.
  """
  with refused_if_not_written(path):
    path.mkdir(mode, parents=True, exist_ok=True)
    tempfile.TemporaryFile(dir=path).close()


def check_can_make(path: pathlib.Path) -> None:
  """Checks that a folder can be made, or written in if it is there; makes none.

  Raises:
    UserError: it can not.
  """
  there = next(p for p in (path, *path.absolute().parents) if os.path.exists(p))
  if not there.is_dir():
    raise UserError(f'cannot write in {path}: {there} is no folder')
  if not os.access(there, os.W_OK | os.X_OK):
    raise UserError(f'cannot write in {path}: {os.strerror(errno.EACCES)}')


def check_is_new(path: pathlib.Path) -> None:
  """Checks that nothing is where a folder is to be made, and that it can be made.

  Raises:
    UserError: something is, or it can not.
  """
  if path.exists():
    raise UserError(f'{path} is there already: name another folder')
  check_can_make(path)


def check_is_meant(path: pathlib.Path, kind: str, marks: Sequence[str]) -> None:
  """Refuses a folder of other files, as that which one is in, or one with a typo.

  Args:
    path: of the folder, which need not be there.
    kind: what it is to hold, for errors.
    marks: names of files of which that has one at least.

  Raises:
    UserError: it holds files that can be seen, and none of those.
  """
  others = [file.name for file in path.glob('[!.]*')]
  if others and not set(marks) & set(others):
    raise UserError(
      f'{path} is no {kind} and holds other files ({min(others)}): name a new folder'
    )


def make_place(path: pathlib.Path) -> None:
  """Makes the folder that a file is to be written in.

  Raises:
    UserError: there is no writing in it, or a folder is in the place of the file.
  """
  if path.is_dir():
    raise UserError(f'{path} is a folder: name a file')
  make_folder(path.parent)


def write_atomically(
  path: pathlib.Path, data: str | bytes, durable: bool = False
) -> None:
  """Writes a file so that a reader finds the old or the new one, whole.

  Args:
    path: of the file.
    data: all of it.
    durable: whether it has to outlive a power cut; that takes a few milliseconds.

  Raises:
    OSError: it cannot be written; the old one is there, and nothing is left of the new.
  """
  temporary = path.with_name(f'.{path.name}.{os.getpid()}')
  try:
    temporary.write_bytes(data.encode() if isinstance(data, str) else data)
    if durable:
      sync(temporary)
    temporary.replace(path)
    if durable:
      sync(path.parent)
  except OSError:
    temporary.unlink(missing_ok=True)
    raise


def append_line(path: pathlib.Path, line: str) -> None:
  """Appends a line to a text file, all of it or nothing.

  Raises:
    OSError: it cannot be written; the file is as it was.
  """
  data = f'{line}\n'.encode()
  with path.open('ab', buffering=0) as file:
    start = file.seek(0, os.SEEK_END)
    written = -1
    try:
      written = file.write(data)
      if written < len(data):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
      if 0 <= written < len(data):
        file.truncate(start)


def overwrite(path: pathlib.Path, text: str) -> None:
  """Writes a text over that of a file, in the place that this has on a full disk.

  Raises:
    OSError: there is no such file, or the text is longer than its last block.
  """
  data = text.encode()
  with path.open('r+b', buffering=0) as file:
    file.write(data)
    file.truncate(len(data))


@contextlib.contextmanager
def refused_if_not_written(path: pathlib.Path) -> Iterator[None]:
  """Has what cannot be written in a folder refused.

  Raises:
    UserError: within, something could not be written.
  """
  try:
    yield
  except OSError as error:
    raise UserError(f'cannot write in {path}: {error.strerror or error}') from error


@contextlib.contextmanager
def lost_on_full_disk() -> Iterator[None]:
  """Has what cannot be written for want of space forgotten, without an error."""
  try:
    yield
  except OSError as error:
    if not is_disk_full(error):
      raise


def is_disk_full(error: Exception) -> bool:
  """Returns whether an error says that there is no space left for this person."""
  return isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)


def sync(path: pathlib.Path) -> None:
  """Has the kernel write a file, or the names in a folder, to the disk."""
  number = os.open(path, os.O_RDONLY)
  try:
    os.fsync(number)
  finally:
    os.close(number)


def to_json(data: Any) -> str:
  """Returns data as a line of JSON, which has no NaN and no infinity: they are null."""
  return json.dumps(_finite(data), allow_nan=False)


def _finite(data: Any) -> Any:
  """Returns data with None in the place of numbers that JSON does not have."""
  if isinstance(data, float) and not math.isfinite(data):
    return None
  if isinstance(data, dict):
    return {key: _finite(value) for key, value in data.items()}
  if isinstance(data, list | tuple):
    return [_finite(value) for value in data]
  return data


def read_json(path: pathlib.Path) -> dict[str, Any]:
  """Returns the mapping in a JSON file.

  Raises:
    UserError: there is no such file, or no mapping in it.
  """
  try:
    text = path.read_bytes()
  except OSError as error:
    raise unreadable(path, error) from error
  return parse_json(text, path)


def _refuse_constant(name: str) -> float:
  raise ValueError(f'{name} is no number in JSON')


def parse_json(
  text: str | bytes, source: object, needed: Sequence[str] = ()
) -> dict[str, Any]:
  """Returns the mapping that a text in JSON describes.

  Args:
    text: in JSON.
    source: where it comes from, for errors.
    needed: names that it must have.

  Raises:
    UserError: it describes none, or one that lacks a name.
  """
  try:
    data = json.loads(text, parse_constant=_refuse_constant)
    if not isinstance(data, dict):
      raise ValueError('no mapping of names to values')
    lacking = [name for name in needed if name not in data]
    if lacking:
      raise ValueError(f'it lacks {", ".join(lacking)}')
  except ValueError as error:
    raise unreadable(source, error) from error
  return data
