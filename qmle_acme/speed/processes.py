"""Functions in processes of their own, as what is measured needs them.

The number of threads is fixed when a process starts; and the CPU time of a process is
that of one part of the system only if nothing else runs in it.
"""

import contextlib
import importlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from typing import IO, Any

from qmle_acme import processes
from qmle_acme.errors import UserError

_TAIL_CHARACTERS = 2_000


class Worker:
  """A process that runs a function.

  Attributes:
    pid: of the process.
  """

  def __init__(self, name: str, process: subprocess.Popen[str], log: IO[str]):
    self.pid = process.pid
    self._name = name
    self._process = process
    self._log = log

  def receive(self) -> Any:
    """Returns the next thing that the function yields.

    Raises:
      UserError: the function has raised it.
      RuntimeError: it has ended without one; the message ends with what it printed.
    """
    assert self._process.stdout is not None
    line = self._process.stdout.readline()
    if not line:
      self._log.seek(0)
      raise RuntimeError(f'{self._name}: {self._log.read()[-_TAIL_CHARACTERS:]}')
    answer = json.loads(line)
    if 'refused' in answer:
      raise UserError(answer['refused'])
    return answer['result']

  def kill(self) -> None:
    """Kills the process, if it has not ended; `receive` then raises."""
    self._process.kill()


@contextlib.contextmanager
def start(
  function: Callable[..., Iterator[Any]], *arguments: Any, threads: int
) -> Iterator[Worker]:
  """Runs a function in a process of its own; ends it at the end of the block.

  Args:
    function: of a module; yields plain data.
    *arguments: of the function, plain data.
    threads: of the compiled arg max; TensorFlow has one.
  """
  name = f'{function.__module__}:{function.__name__}'
  with tempfile.TemporaryFile('w+') as log:
    process = processes.start(
      __name__,
      [name, json.dumps(arguments)],
      stdout=subprocess.PIPE,
      stderr=log,
      text=True,
      env=os.environ | processes.thread_limits(threads),
    )
    with process:
      try:
        yield Worker(name, process, log)
      finally:
        process.kill()


def call(function: Callable[..., Iterator[Any]], *arguments: Any, threads: int) -> Any:
  """Returns the first thing that a function yields, in a process of its own."""
  with start(function, *arguments, threads=threads) as worker:
    return worker.receive()


def _main(name: str, arguments: str) -> None:
  """Is what the process runs: each thing that the function yields becomes a line.

  A line holds a `result`, or the words in which the function has `refused`.
  """
  channel = os.fdopen(os.dup(1), 'w')
  os.dup2(2, 1)  # What libraries print is no result.
  module, function = name.split(':')
  results = getattr(importlib.import_module(module), function)(*json.loads(arguments))
  try:
    for result in results:
      print(json.dumps({'result': result}), file=channel, flush=True)
  except UserError as error:
    print(json.dumps({'refused': str(error)}), file=channel, flush=True)


if __name__ == '__main__':
  _main(*sys.argv[1:])
