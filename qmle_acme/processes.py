"""Other runs, started by the same `qmle` command that a person types."""

import contextlib
import ctypes
import functools
import os
import pathlib
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def start(arguments: Sequence[str], output: pathlib.Path) -> subprocess.Popen[bytes]:
  """Starts `qmle` with these arguments; it does not outlive this process.

  It has a session of its own: Ctrl-C does not reach it, and the caller has to stop it.

  Args:
    arguments: the words after `qmle`.
    output: file to which what it prints is added.
  """
  qmle = pathlib.Path(sys.executable).with_name('qmle')
  with output.open('a') as file:
    return subprocess.Popen(
      [str(qmle), *arguments],
      stdin=subprocess.DEVNULL,
      stdout=file,
      stderr=subprocess.STDOUT,
      start_new_session=True,
      preexec_fn=functools.partial(die_with, os.getpid()),
    )


def die_with(parent: int) -> None:
  """Has the kernel kill this process when the thread that started it ends."""
  _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
  if os.getppid() != parent:  # It ended before we could say so.
    os._exit(1)


@contextlib.contextmanager
def recorded_signals() -> Iterator[list[int]]:
  """Yields the list to which every SIGINT and SIGTERM is added from now on."""
  received: list[int] = []
  handlers = {
    number: signal.signal(number, lambda number, _: received.append(number))
    for number in (signal.SIGINT, signal.SIGTERM)
  }
  try:
    yield received
  finally:
    for number, handler in handlers.items():
      signal.signal(number, handler)
