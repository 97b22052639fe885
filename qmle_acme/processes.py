"""Processes: started so that none outlives who started it; and signals, recorded.

What has to be done in a new process before anything else, the process does itself
(`_run_tied`). Python's `preexec_fn` would do it between fork and exec, where a lock
that a thread of ours held stays held for ever.
"""

import contextlib
import ctypes
import os
import pathlib
import runpy
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

# What asks a run to stop: Ctrl-C, `kill`, and a terminal that is closed.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1
# Its input names groups to kill at the end of it, and, negative, those to forget.
_GUARD = """
import os, sys
if os.fork():
  os._exit(0)  # Whoever lists our processes would find it among them.
groups = set()
for line in sys.stdin:
  number = int(line)
  (groups.add if number > 0 else groups.discard)(abs(number))
for group in groups:
  try:
    os.killpg(group, 9)
  except ProcessLookupError:
    pass
"""
# The current folder, which Python puts first, may hold a file that is called like a
# module of the standard library.
_TIED = 'import sys; del sys.path[0]; from qmle_acme.processes import _run_tied as run'


def start(
  module: str, arguments: Sequence[str], **options: Any
) -> subprocess.Popen[Any]:
  """Starts a Python module as a process that dies with the thread that calls this.

  It leads a group of processes, which Ctrl-C in the terminal does not reach: the caller
  has to stop it. It has no session of its own: Linux shares the processor by sessions
  first, and what `nice` says counts within one alone.

  Args:
    module: as in `python -m`.
    arguments: of the module.
    **options: of `subprocess.Popen`.
  """
  command = [sys.executable, '-c', f'{_TIED}; run()', str(os.getpid()), module]
  # Until it leads its group a Ctrl-C would end it; a new process inherits the mask.
  before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
  try:
    return subprocess.Popen(
      [*command, *arguments], **{'stdin': subprocess.DEVNULL} | options
    )
  finally:
    signal.pthread_sigmask(signal.SIG_SETMASK, before)


def start_qmle(
  arguments: Sequence[str], output: pathlib.Path
) -> subprocess.Popen[bytes]:
  """Starts `qmle` with these arguments; what it prints is added to a file."""
  with output.open('a') as file:
    return start('qmle_acme.launch', arguments, stdout=file, stderr=subprocess.STDOUT)


def thread_limits(threads: int, tensorflow: int = 1) -> dict[str, str]:
  """Returns the environment that keeps a process to so many threads.

  Args:
    threads: of the compiled arg max, and of libraries such as those of numpy.
    tensorflow: of TensorFlow.
  """
  return {
    'TF_NUM_INTRAOP_THREADS': str(tensorflow),
    'TF_NUM_INTEROP_THREADS': '1',
    'OMP_NUM_THREADS': str(threads),
  }


def kill_group(pid: int) -> None:
  """Kills the group of processes that a process leads, or led, if any is left.

  One that has only just been started may not lead it yet: kill it, too.
  """
  with contextlib.suppress(ProcessLookupError):
    os.killpg(pid, signal.SIGKILL)


def die_with(parent: int) -> None:
  """Has the kernel kill this process when the thread that started it ends."""
  _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
  if os.getppid() != parent:  # It ended before we could say so.
    os._exit(1)


@contextlib.contextmanager
def kept_handlers() -> Iterator[tuple[signal.Signals, ...]]:
  """Keeps what is done at signals that ask for a stop, whatever is called meanwhile.

  Yields those signals; none outside of the main thread, which alone can take them.
  """
  is_main = threading.current_thread() is threading.main_thread()
  taken = STOP_SIGNALS if is_main else ()
  before = {number: signal.getsignal(number) for number in taken}
  try:
    yield taken
  finally:
    for number, handler in before.items():
      if handler is not None:  # None is one that was not set from Python.
        signal.signal(number, handler)


@contextlib.contextmanager
def recorded_signals(
  on_signal: Callable[[list[int]], None] = lambda received: None,
) -> Iterator[list[int]]:
  """Yields the list to which every signal that asks for a stop is added from now on.

  SIGHUP stays ignored under `nohup`. SIGINT does not where a shell without job control
  has started this in the background. Only the main thread can take signals: in another
  one the list stays empty.

  Args:
    on_signal: called after each one, wherever the main thread is; it may raise.
  """
  received: list[int] = []

  def handle(number: int, _: Any) -> None:
    received.append(number)
    on_signal(received)

  with kept_handlers() as taken:
    for number in taken:
      if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
        signal.signal(number, handle)
    yield received


class Guard:
  """Has the groups of processes killed that are left when this process is gone.

  The kernel kills the processes that `start` has started, not what those have started.
  """

  def __init__(self) -> None:
    self._process = subprocess.Popen(
      [sys.executable, '-ISc', _GUARD],
      stdin=subprocess.PIPE,
      stdout=subprocess.DEVNULL,
      stderr=subprocess.DEVNULL,
      start_new_session=True,
      text=True,
    )
    self._process.wait()

  def add(self, pid: int) -> None:
    """Takes a group under guard."""
    self._write(pid)

  def remove(self, pid: int) -> None:
    """Lets a group go that is gone: its number may come again."""
    self._write(-pid)

  def close(self) -> None:
    """Ends the guard."""
    assert self._process.stdin is not None
    with contextlib.suppress(BrokenPipeError):
      self._process.stdin.close()

  def _write(self, number: int) -> None:
    assert self._process.stdin is not None
    with contextlib.suppress(BrokenPipeError):  # Somebody has killed it.
      print(number, file=self._process.stdin, flush=True)


def _run_tied() -> None:
  """Is what a process of `start` runs first; `sys.argv` is -c, parent, module, ..."""
  die_with(int(sys.argv[1]))
  os.setpgid(0, 0)
  # One that came before was meant for the group that this process was in.
  handler = signal.signal(signal.SIGINT, signal.SIG_IGN)
  signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
  signal.signal(signal.SIGINT, handler)
  module, sys.argv = sys.argv[2], sys.argv[2:]
  runpy.run_module(module, run_name='__main__', alter_sys=True)
