"""`qmle`: finds the command and runs it."""

import errno
import importlib
import io
import os
import pathlib
import re
import signal
import sys
import threading
import time
from collections.abc import Mapping
from typing import NoReturn

import qmle_acme
from qmle_acme.errors import (
  EnvironmentCrash,
  RunFault,
  UserError,
  in_one_line,
  unknown,
)
from qmle_acme.files import is_disk_full

COMMANDS = {
  'train': 'train an agent, or go on where a run stopped',
  'evaluate': 'play greedy episodes of a run, and tell their return',
  'render': 'make a video of greedy episodes of a run',
  'export': 'write the policy of a run for TensorFlow alone',
  'benchmark': 'train a grid of runs: tasks x agents x seeds',
  'tune': 'search for settings; each trial is a run',
  'report': 'draw pictures and tables of runs',
  'experiment': 'repeat one of the studies: its data, table and figure',
  'speed': 'measure how fast it is on this machine',
  'doctor': 'check this machine, and say what to do about it',
  'cluster': 'write files with which Compose, Kubernetes or SLURM run a training',
  'status': 'say how a run stands',
  'watch': 'show a run while it goes on, with learning curves',
  'node': 'be one node of a run, as the files of `qmle cluster` ask',
}
_LARGEST = str(2**31 - 1)
_KERNELS = pathlib.Path(qmle_acme.__file__).parent / 'kernels'
# Checkpoints of replay in a fifth of the time.
_STORED = str(_KERNELS / '_stored.so')
# Servers that answer on this machine alone.
_LOOPBACK = str(_KERNELS / '_loopback.so')
# Other machines call what this one starts.
_OPEN = 'node'
# Read when a process starts; the nodes inherit it.
_ENVIRONMENT = {
  'TF_CPP_MIN_LOG_LEVEL': '2',
  'PYGAME_HIDE_SUPPORT_PROMPT': '1',
  # Have glibc keep the memory that is freed: an earlier form of scoring lost over 40 %
  # of its time to pages that were mapped anew (docs/performance.md).
  'MALLOC_MMAP_THRESHOLD_': _LARGEST,
  'MALLOC_TRIM_THRESHOLD_': _LARGEST,
}
_PRELOAD = 'LD_PRELOAD'
# That threads have to end when all else has.
_LAST_SECONDS = 5.0
# Reverb and Courier speak gRPC, which would look for our own servers behind a proxy.
# Empty means none, and goes before http_proxy and https_proxy; no_proxy would have to
# name every machine of a cluster.
_NO_PROXY = {'grpc_proxy': ''}


def main() -> None:
  """Runs the command that the arguments name; the exit code says how that went."""
  _open_what_is_closed()
  # A terminal may not have all letters of a path; for stderr Python does so itself.
  if isinstance(sys.stdout, io.TextIOWrapper):
    sys.stdout.reconfigure(errors='backslashreplace')
  try:
    try:
      code = _answer(sys.argv[1:])
    finally:
      sys.stdout.flush()  # Not at the exit, where nobody could say that it fails.
    _exit(code)
  except UserError as error:
    _leave(str(error), 2)
  except (RunFault, EnvironmentCrash) as error:  # In a command that is no run.
    _leave(str(error), 1)
  except KeyboardInterrupt:
    _leave('interrupted', 128 + signal.SIGINT)
  except BrokenPipeError:  # Whoever read has enough, as `head` has.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(128 + signal.SIGPIPE)
  except OSError as error:
    if error.errno != errno.ENAMETOOLONG and not is_disk_full(error):
      raise
    where = f'{error.filename}: ' if error.filename else ''
    _leave(f'{where}{error.strerror}', 2)


def _leave(message: str, code: int) -> NoReturn:
  """Says in one line why the command ends with an exit code."""
  print(f'qmle: {in_one_line(message)}', file=sys.stderr)
  _exit(code)


def _exit(code: int) -> NoReturn:
  """Ends the process; after a while also if a thread of an environment goes on."""

  def end() -> None:
    threading.main_thread().join()
    time.sleep(_LAST_SECONDS)  # Without such threads this is where it ends.
    names = [t.name for t in threading.enumerate() if not t.daemon and t.is_alive()]
    if names:  # Else it is only slow.
      print(f'qmle: left threads that do not end: {", ".join(names)}', file=sys.stderr)
      sys.stderr.flush()
    os._exit(code)

  threading.Thread(target=end, daemon=True).start()
  sys.exit(code)


def _answer(arguments: list[str]) -> int:
  """Returns the exit code of the command that the arguments name."""
  if not arguments or arguments[0] in ('-h', '--help'):
    print(_usage())
    return 0
  if arguments[0] == '--version':
    print(f'qmle {qmle_acme.__version__}')
    return 0
  environment = make_environment(os.environ, is_open=arguments[0] == _OPEN)
  if environment != os.environ:
    _start_again(environment)
  if not _is_in_run(pathlib.Path.cwd()):
    sys.path.append(os.getcwd())  # For environments of the user's own.
  return _run(arguments[0], arguments[1:])


def _open_what_is_closed() -> None:
  """Opens standard streams that are closed: a file of ours would be taken for one."""
  for number, name in enumerate(('stdin', 'stdout', 'stderr')):
    if getattr(sys, name) is None:
      os.open(os.devnull, os.O_RDWR)  # Gets the lowest number that is free.
      setattr(sys, name, os.fdopen(number, 'w' if number else 'r', closefd=False))


def make_environment(given: Mapping[str, str], is_open: bool = False) -> dict[str, str]:
  """Returns environment variables with what must be set.

  What is set already stays, but a proxy for gRPC and what is preloaded.

  Args:
    given: the variables that are set.
    is_open: whether servers of this process answer to other machines.
  """
  ours = [_STORED] if is_open else [_STORED, _LOOPBACK]
  others = [
    path
    for path in re.split('[: ]+', given.get(_PRELOAD, ''))
    if path and path not in (_STORED, _LOOPBACK)
  ]
  return _ENVIRONMENT | dict(given) | _NO_PROXY | {_PRELOAD: ':'.join(ours + others)}


def _is_in_run(folder: pathlib.Path) -> bool:
  """Returns whether a folder lies in a run's, where no code of the user's own is.

  A run of somebody else may name one of its own files as a module.
  """
  around = (folder, *folder.parents)
  return any(
    (f / 'config.yaml').exists() and (f / 'checkpoints').exists() for f in around
  )


def _start_again(environment: Mapping[str, str]) -> None:
  """Replaces this process by the same one with what must be set before it starts."""
  os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def _run(command: str, arguments: list[str]) -> int:
  if command not in COMMANDS:
    raise unknown('command', command, COMMANDS)
  return importlib.import_module(f'{__package__}.{command}').main(arguments)


def _usage() -> str:
  lines = [f'  qmle {name:10} {text}' for name, text in COMMANDS.items()]
  return '\n'.join(
    ['usage: qmle COMMAND [--help] ...', '       qmle --version', '', *lines]
  )
