"""`qmle`: finds the command and runs it."""

import importlib
import os
import pathlib
import signal
import sys
import warnings
from collections.abc import Mapping

import qmle_acme
from qmle_acme.errors import UserError, unknown

COMMANDS = {
  'train': 'train an agent, or go on where a run stopped',
  'evaluate': 'greedy return of the newest checkpoint of a run',
  'render': 'a video of one greedy episode of a run',
  'benchmark': 'a grid of runs: tasks x agents x seeds',
  'report': 'pictures and tables of the runs of a benchmark',
  'experiment': 'one of the studies, with its data, table and figure',
  'speed': 'how fast it is on this machine',
  'cluster': 'files with which Compose, Kubernetes or SLURM run the nodes of a run',
  'status': 'how a run stands, wherever it goes on',
  'node': 'one node of a run: the files of `qmle cluster` start it',
}
_LARGEST = str(2**31 - 1)
# Checkpoints of replay in a fifth of the time.
_PRELOADED = str(pathlib.Path(qmle_acme.__file__).parent / 'kernels' / '_stored.so')
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
# Reverb and Courier speak gRPC, which would look for our own servers behind a proxy.
# Empty means none, and goes before http_proxy and https_proxy; no_proxy would have to
# name every machine of a cluster.
_NO_PROXY = {'grpc_proxy': ''}


def main() -> None:
  """Runs the command that the arguments name; the exit code says how that went."""
  arguments = sys.argv[1:]
  if not arguments or arguments[0] in ('-h', '--help'):
    print(_usage())
    return
  if not _is_set_up():
    _start_again()
  sys.path.append(os.getcwd())  # For environments of the user's own.
  warnings.filterwarnings('ignore', module='glfw')  # No display is no error here.
  try:
    code = _run(arguments[0], arguments[1:])
    sys.stdout.flush()
    sys.exit(code)
  except UserError as error:
    print(f'qmle: {error}', file=sys.stderr)
    sys.exit(2)
  except KeyboardInterrupt:
    sys.exit(130)
  except BrokenPipeError:  # Whoever read has enough, as `head` has.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(128 + signal.SIGPIPE)


def make_environment(given: Mapping[str, str]) -> dict[str, str]:
  """Returns environment variables with what must be set.

  What is set already stays, but a proxy for gRPC and what is preloaded.
  """
  preloaded = [_PRELOADED, *filter(None, [given.get(_PRELOAD)])]
  return _ENVIRONMENT | dict(given) | _NO_PROXY | {_PRELOAD: ':'.join(preloaded)}


def _is_set_up() -> bool:
  is_preloaded = _PRELOADED in os.environ.get(_PRELOAD, '')
  has_no_proxy = _NO_PROXY.items() <= os.environ.items()
  return is_preloaded and has_no_proxy and _ENVIRONMENT.keys() <= os.environ.keys()


def _start_again() -> None:
  """Replaces this process by the same one with what must be set before it starts."""
  environment = make_environment(os.environ)
  os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], environment)


def _run(command: str, arguments: list[str]) -> int:
  if command not in COMMANDS:
    raise unknown('command', command, COMMANDS)
  return importlib.import_module(f'launch.{command}').main(arguments)


def _usage() -> str:
  lines = [f'  qmle {name:10} {text}' for name, text in COMMANDS.items()]
  return '\n'.join(['usage: qmle COMMAND [--help] ...', '', *lines])
