"""Where nodes come from: a process that has loaded what they need, and forks them.

To load TensorFlow takes seconds of CPU time. Each node would take them by itself, all
at the same time, and again whenever it is restarted; so one process takes them for all.
It runs `entry`, has one thread and has used nothing of what it has loaded.
"""

import contextlib
import dataclasses
import multiprocessing
import os
import pathlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence

from qmle_acme import processes
from qmle_acme.runs.config import RunConfig

_ENTRY = 'qmle_acme.topology.entry'
_PROGRAM = 'qmle_acme.topology.program'
_POLL_SECONDS = 0.02


@dataclasses.dataclass(frozen=True)
class Request:
  """What a node needs to know before it is one.

  Attributes:
    arguments: of Launchpad's process entry.
    environment: variables, in the place of those that the nursery has.
    path: where modules are looked for.
    log: the file to which standard output and error go; `top` shows its stem.
  """

  arguments: Sequence[str]
  environment: Mapping[str, str]
  path: Sequence[str]
  log: pathlib.Path


class Nursery:
  """Starts nodes as processes, each of which leads its own process group.

  All of them die with it, with what they have started, and it dies with the thread that
  has made it. If it is killed, the next node is started from a new one.
  """

  def __init__(self) -> None:
    """Returns at once; what nodes need is loaded meanwhile."""
    # By process: its exit code, negative for a signal; None while it runs.
    self._codes: dict[int, int | None] = {}
    self._guard = processes.Guard()
    self._open()

  def start(self, request: Request) -> 'Child':
    """Starts a node, as soon as what it needs is loaded.

    Raises:
      RuntimeError: it cannot be loaded.
    """
    for attempt in range(2):
      if attempt:
        self._open_again()
      with contextlib.suppress(EOFError, OSError):
        self._connection.send(request)
        while (message := self._receive())[1] is not None:
          pass
        self._guard.add(message[0])
        return Child(message[0], self)
    code = self._process.wait()
    raise RuntimeError(f'what nodes are forked from ended with exit code {code}')

  def code(self, pid: int) -> int | None:
    """Returns the exit code of a process, negative for a signal; None while it runs."""
    try:
      while self._connection.poll():
        self._receive()
    except (EOFError, OSError):
      self._open_again()
    return self._codes[pid]

  def close(self) -> None:
    """Ends it, and every node that is left."""
    self._close()
    self._guard.close()

  def _open(self) -> None:
    self._connection, theirs = multiprocessing.Pipe()
    with theirs:
      self._process = processes.start(
        _ENTRY,
        [str(theirs.fileno()), _PROGRAM],
        pass_fds=[theirs.fileno()],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        # Another thread would not be there in the forked process.
        env={**environment(), **processes.thread_limits(1)},
      )

  def _open_again(self) -> None:
    """Takes a new process; the kernel kills all that came from the old one."""
    self._close()
    for pid, code in self._codes.items():
      if code is None:
        self._end(pid, -signal.SIGKILL)
    self._open()

  def _close(self) -> None:
    self._connection.close()
    self._process.kill()
    self._process.wait()

  def _receive(self) -> tuple[int, int | None]:
    pid, code = self._connection.recv()
    if code is None:
      self._codes[pid] = None
    else:
      self._end(pid, code)
    return pid, code

  def _end(self, pid: int, code: int) -> None:
    """Notes that a node has ended, and ends what it has started."""
    self._codes[pid] = code
    processes.kill_group(pid)
    self._guard.remove(pid)


@contextlib.contextmanager
def opened_for(config: RunConfig) -> Iterator[Nursery | None]:
  """Yields a nursery if nodes of the run are processes; closes it at the end."""
  if config.layout != 'distributed' or config.launch != 'processes':
    yield None
    return
  with contextlib.closing(Nursery()) as nursery:
    yield nursery


@dataclasses.dataclass
class Child:
  """A process of a nursery, with the interface of `subprocess.Popen`."""

  pid: int
  nursery: Nursery
  returncode: int | None = None

  def poll(self) -> int | None:
    """Returns its exit code, negative for a signal; None while it runs."""
    if self.returncode is None:
      self.returncode = self.nursery.code(self.pid)
    return self.returncode

  def wait(self) -> int:
    """Returns its exit code, once it has ended."""
    while (code := self.poll()) is None:
      time.sleep(_POLL_SECONDS)
    return code

  def terminate(self) -> None:
    """Asks it to end, by SIGTERM."""
    if self.poll() is None:
      with contextlib.suppress(ProcessLookupError):
        os.kill(self.pid, signal.SIGTERM)

  def kill(self) -> None:
    """Kills it, and what it has started."""
    if self.poll() is None:
      with contextlib.suppress(ProcessLookupError):
        os.kill(self.pid, signal.SIGKILL)  # It may not lead its group yet.
      processes.kill_group(self.pid)
    self.wait()


def environment() -> dict[str, str]:
  """Returns the variables of this process, as those that come from it need them."""
  return {
    **os.environ,
    'PYTHONUNBUFFERED': '1',
    # What can be imported here can be imported there.
    'PYTHONPATH': os.pathsep.join(os.path.abspath(path) for path in sys.path),
  }
