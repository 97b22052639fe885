"""Where a run prints for a person: what becomes of it does not touch the run."""

import contextlib
import io
import os
import pathlib
import signal
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import TextIO, cast

import rich.console

from qmle_acme import processes


class _Raw(io.FileIO):
  """A file that takes everything, also once its reader or its terminal is gone."""

  def write(self, data: bytes) -> int:  # type: ignore[override]
    """Writes, or does as if."""
    with contextlib.suppress(OSError):
      return super().write(data) or 0
    return len(data)


def _open(number: int) -> TextIO:
  """Returns a copy of a file descriptor as a text file that never fails."""
  raw = _Raw(os.dup(number), 'w')
  buffer = io.BufferedWriter(cast(io.RawIOBase, raw))
  return io.TextIOWrapper(buffer, errors='backslashreplace', line_buffering=True)


@contextlib.contextmanager
def output_to(log: pathlib.Path) -> Iterator[rich.console.Console]:
  """Sends all that libraries print to a file; yields the console that was there."""
  with log.open('a') as file, _open(1) as screen, _redirected(file):
    # Or 'control:dog:walk' would get the picture of a dog.
    yield rich.console.Console(file=screen, emoji=False)


@contextlib.contextmanager
def held() -> Iterator[list[str]]:
  """Keeps from the screen what packages print and warn of, before there is a log.

  Yields a list that has it after the block; what is refused in there needs one line.
  """
  texts: list[str] = []
  with (
    tempfile.TemporaryFile('w+', errors='replace') as file,
    warnings.catch_warnings(record=True) as found,
  ):
    with _redirected(file):
      yield texts
    file.seek(0)
    texts += [
      warnings.formatwarning(w.message, w.category, w.filename, w.lineno) for w in found
    ]
    texts.append(file.read())


@contextlib.contextmanager
def _redirected(file: TextIO) -> Iterator[None]:
  """Sends standard output and standard error to a file, whoever writes to them."""
  _flush()
  saved = [os.dup(1), os.dup(2)]
  os.dup2(file.fileno(), 1)
  os.dup2(file.fileno(), 2)
  try:
    yield
  finally:
    _flush()
    for number, copy in zip((1, 2), saved, strict=True):
      os.dup2(copy, number)
      os.close(copy)


def note(line: str) -> None:
  """Says something on standard error, before a run has its screen."""
  with contextlib.suppress(OSError):  # Whoever read it is gone.
    print(line, file=sys.stderr, flush=True)


def announce(what: str) -> None:
  """Says what is waited for, before a run has its screen."""
  note(f'{what} ...')


def say(console: rich.console.Console, line: str) -> None:
  """Prints a line as it is."""
  console.print(line, highlight=False, markup=False, soft_wrap=True)


@contextlib.contextmanager
def loading_tensorflow() -> Iterator[None]:
  """Says so, and has a signal wait for what is imported in the block.

  What TensorFlow and JAX call while they are imported may swallow Ctrl-C.
  """
  announce('loading TensorFlow')
  with processes.recorded_signals() as received:
    yield
  if signal.SIGINT in received:  # Also where a shell has it ignored.
    raise KeyboardInterrupt
  if received:
    signal.raise_signal(received[0])


def poll_to(console: rich.console.Console, poll: Callable[[], bool]) -> bool:
  """Returns what a function of the user's own does; what it prints can be seen.

  In a notebook standard output is none of ours, and is left as it is.
  """
  is_ours = sys.stdout is sys.__stdout__
  screen = contextlib.redirect_stdout(console.file) if is_ours else None
  with screen or contextlib.nullcontext():
    return poll()


def _flush() -> None:
  for stream in (sys.stdout, sys.stderr):
    with contextlib.suppress(OSError, AttributeError):  # Closed, or never there.
      stream.flush()
