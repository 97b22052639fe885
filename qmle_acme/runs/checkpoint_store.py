"""Checkpoints as numbered folders, each of them whole or known not to be.

What is to be kept is written aside first. Then it is synced, read back for the digests
that lie beside it, and named last: a folder with a number was whole when it got that.
"""

import contextlib
import dataclasses
import hashlib
import json
import os
import pathlib
import shutil
from collections.abc import Iterator, Mapping

from qmle_acme.errors import UserError
from qmle_acme.files import read_json, sync, write_atomically

# One could be damaged after it was written; then the run goes on from the other.
KEPT = 2
_MANIFEST = 'manifest.json'


@dataclasses.dataclass(frozen=True)
class Stored:
  """A checkpoint that is whole.

  Attributes:
    path: its folder.
    number: greater than those of all before it.
    counts: of the run when it was made.
  """

  path: pathlib.Path
  number: int
  counts: Mapping[str, float]


class Damaged(Exception):
  """A checkpoint is not what was written; the message names it, and what in it."""


class CheckpointStore:
  """The newest checkpoints of one part of a run.

  Attributes:
    path: the folder that they lie in.
    aside: the folder below it where the next one is written.
  """

  def __init__(self, path: pathlib.Path):
    self.path = path
    self.aside = path / 'writing'

  def numbers(self) -> list[int]:
    """Returns the numbers of all checkpoints, damaged ones too, in order."""
    names = [path.name for path in self.path.glob('*') if path.is_dir()]
    return sorted(int(name) for name in names if name.isdecimal())

  def whole(self) -> Iterator[Stored]:
    """Yields the checkpoints that are whole, the newest first."""
    for number in reversed(self.numbers()):
      with contextlib.suppress(Damaged):
        yield self._read(number)

  def damages(self) -> list[str]:
    """Returns a line for each checkpoint that is damaged."""
    found = []
    for number in self.numbers():
      try:
        self._read(number)
      except Damaged as error:
        found.append(str(error))
    return found

  def clear_aside(self) -> None:
    """Empties the place where checkpoints are written; makes it if it is missing."""
    self.aside.mkdir(parents=True, exist_ok=True)
    for path in self.aside.iterdir():  # A replay server may hold the folder itself.
      if path.is_dir():
        shutil.rmtree(path)
      else:
        path.unlink()

  def forget_damaged(self) -> None:
    """Removes the checkpoints that are damaged, so that none counts as kept."""
    whole = {stored.number for stored in self.whole()}
    for number in self.numbers():
      if number not in whole:
        shutil.rmtree(self.path / str(number))

  def keep(
    self, written: pathlib.Path, number: int, counts: Mapping[str, float]
  ) -> None:
    """Names a checkpoint that was written aside, and forgets the oldest.

    Args:
      written: the folder that it was written in; it is moved.
      number: greater than those of all others.
      counts: of the run.

    Raises:
      OSError: it cannot be written to the disk. None is forgotten then.
    """
    for path in written.iterdir():
      sync(path)
    files = {path.name: _digest(path) for path in sorted(written.iterdir())}
    manifest = {'counts': dict(counts), 'files': files}
    text = json.dumps(manifest | {'digest': _digest_of(manifest)})
    write_atomically(written / _MANIFEST, text, durable=True)
    written.rename(self.path / str(number))
    sync(self.path)
    for old in self.numbers()[:-KEPT]:
      shutil.rmtree(self.path / str(old))

  def _read(self, number: int) -> Stored:
    """Returns a checkpoint that is whole.

    Raises:
      Damaged: it is not.
    """
    path = self.path / str(number)
    try:
      manifest = read_json(path / _MANIFEST)
    except UserError as error:
      raise Damaged(str(error)) from error
    digest = manifest.pop('digest', None)
    if digest != _digest_of(manifest):
      raise Damaged(f'{path / _MANIFEST} is not what was written')
    for name, expected in manifest['files'].items():
      file = path / name
      try:
        is_same = _digest(file) == expected
      except OSError as error:
        raise Damaged(f'cannot read {file}: {error.strerror}') from error
      if not is_same:
        raise Damaged(f'{file} is not what was written')
    return Stored(path, number, manifest['counts'])


@contextlib.contextmanager
def plain_name(folder: pathlib.Path) -> Iterator[str]:
  """Yields another name of a folder, for this process, while it is used.

  TensorFlow and Reverb take `[`, `*` and `?` in a path for a pattern of many paths.
  """
  number = os.open(folder, os.O_PATH | os.O_DIRECTORY)
  try:
    yield lasting_plain_name(number)
  finally:
    os.close(number)


def lasting_plain_name(number: int) -> str:
  """Returns the name, as long as this process lives, of an open folder."""
  return f'/proc/{os.getpid()}/fd/{number}'


def _digest(path: pathlib.Path) -> str:
  """Returns the digest of a file."""
  digest = hashlib.sha256()
  with path.open('rb') as file:
    while block := file.read(1 << 20):
      digest.update(block)
  return digest.hexdigest()


def _digest_of(manifest: Mapping[str, object]) -> str:
  """Returns the digest of what a manifest says."""
  return hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()
