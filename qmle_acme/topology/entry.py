"""What the process of a nursery runs, and each node that it forks.

A node runs Launchpad's own entry, and says by its exit code how it ended: 0 would say
too little, as an environment may call `sys.exit`.
"""

import gc
import importlib
import os
import signal
import sys
import traceback
from multiprocessing.connection import Connection

import launchpad as lp
import numpy as np
from absl import app
from launchpad.nodes.python import process_entry

from qmle_acme import processes
from qmle_acme.errors import RunFault, UserError
from qmle_acme.topology.nursery import Request

# Exit codes. Those of the shell and of Python are lower or higher.
RETURNED = 77
REFUSED = 78
TERMINATED = 128 + signal.SIGTERM

_POLL_SECONDS = 0.05


def main() -> None:
  """Forks nodes, as the process that has started this one asks for them.

  The arguments are the descriptor of the connection to it, and the modules to load.
  """
  connection = Connection(int(sys.argv[1]))
  for module in sys.argv[2:]:
    importlib.import_module(module)
  gc.freeze()  # Nodes share the memory of what is never looked at again.
  request = _serve(connection)
  if request:
    _settle(request)
    app.run(_run_node)


def _serve(connection: Connection) -> Request | None:
  """Forks nodes; returns in each with its request, and here with None at the end.

  It answers with (process, None) for a node that is started and with (process, exit
  code) for one that has ended.
  """
  nursery = os.getpid()
  try:
    while True:
      if connection.poll(_POLL_SECONDS):
        request = connection.recv()
        node = os.fork()
        if not node:
          connection.close()
          processes.die_with(nursery)
          os.setpgid(0, 0)
          return request
        connection.send((node, None))
      for node, code in _ended():
        connection.send((node, code))
  except (EOFError, BrokenPipeError, ConnectionResetError):
    return None


def _ended() -> list[tuple[int, int]]:
  """Returns the processes that have ended, with their exit codes."""
  ended = []
  try:
    while (found := os.waitpid(-1, os.WNOHANG))[0]:
      ended.append((found[0], os.waitstatus_to_exitcode(found[1])))
  except ChildProcessError:  # There are none.
    pass
  return ended


def _settle(request: Request) -> None:
  """Makes this process the one that the request is about."""
  with request.log.open('ab') as log:
    os.dup2(log.fileno(), sys.stdout.fileno())
    os.dup2(log.fileno(), sys.stderr.fileno())
  os.environ.clear()
  os.environ.update(request.environment)
  sys.path[:] = request.path
  # Absl calls the process by the first.
  sys.argv[:] = [request.log.stem, *request.arguments]
  np.random.seed()  # Environments may draw from it: not all the same.
  process_entry._populate_flags()


def _run_node(argv: list[str]) -> int:
  """Runs the node that the flags name; returns the exit code."""
  try:
    process_entry.main(argv)
  except (UserError, RunFault):
    traceback.print_exc()
    return REFUSED
  return TERMINATED if lp.stop_event().is_set() else RETURNED


if __name__ == '__main__':
  main()
