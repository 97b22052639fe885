"""The nodes of a Launchpad program as things that can be started, asked and stopped.

`prepare` turns an `lp.Program` into one `Start` per node. Calling it runs the node, as
a process of its own or as a thread of this process, and returns it as a `Node`.
"""

import contextlib
import dataclasses
import enum
import functools
import os
import pathlib
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import launchpad as lp
from absl import flags, logging
from launchpad import context
from launchpad.launch import worker_manager
from launchpad.nodes.python import local_multi_processing

from qmle_acme.errors import RunFault, UserError, cause_of
from qmle_acme.topology import entry
from qmle_acme.topology.nursery import Child, Nursery, Request

_LOG_TAIL_BYTES = 65536

# The exception line is the first line after the header that reads 'a.dotted.Name' or
# 'a.dotted.Name: message': other threads may log in the middle of a traceback. What
# the interpreter ignores while it shuts down is no cause of anything.
_TRACEBACK = re.compile(
  r'^(?P<ignored>Exception ignored in.*\n)?Traceback \(most recent call last\):\n'
  r'(?:.*\n)*?(?P<error>[A-Za-z_][\w.]*(?:: .*)?)$',
  re.MULTILINE,
)


class End(enum.Enum):
  """How a node has ended."""

  RETURNED = enum.auto()
  """Its function has returned."""
  REFUSED = enum.auto()
  """By a `UserError` or a `RunFault`: another time it would be the same."""
  TERMINATED = enum.auto()
  """By the SIGTERM that asks it to stop, whether it listened for it or did not."""
  DIED = enum.auto()
  """Any other way: an exception, a signal, an exit whatever its code."""


class Node(Protocol):
  """A started node.

  Attributes:
    label: the group of the program that it belongs to, for example 'actor'.
    title: its name for people, for example 'actor/0'.
    start: when it was started, by the monotonic clock.
  """

  label: str
  title: str
  start: float

  def poll(self) -> End | None:
    """Returns None while it runs, then how it ended."""

  def stop(self) -> None:
    """Asks it to end: its `lp.stop_event()` is set."""

  def kill(self) -> None:
    """Ends it at once, where that is possible."""

  def error(self) -> str:
    """Returns the one line that says why it has ended, if not by its own return."""


# Starts a node, as often as it is called.
Start = Callable[[], Node]

_ENDS: dict[int | None, End | None] = {
  None: None,
  entry.RETURNED: End.RETURNED,
  entry.REFUSED: End.REFUSED,
  entry.TERMINATED: End.TERMINATED,
  -signal.SIGTERM: End.TERMINATED,
}


@dataclasses.dataclass
class ProcessNode:
  """A node that runs as a process of its own, which leads its own process group.

  Attributes:
    log: the file that takes its standard output and error.
    log_start: the size of that file before the node started, in bytes.
    process: the process.
  """

  label: str
  title: str
  log: pathlib.Path
  log_start: int
  process: Child
  start: float = dataclasses.field(default_factory=time.monotonic)

  def poll(self) -> End | None:
    """See `Node`."""
    return _ENDS.get(self.process.poll(), End.DIED)

  def stop(self) -> None:
    """See `Node`."""
    self.process.terminate()

  def kill(self) -> None:
    """See `Node`."""
    self.process.kill()

  def error(self) -> str:
    """See `Node`."""
    return f'{self.title} failed: {self._cause()} ({self.log})'

  def _cause(self) -> str:
    code = self.process.wait()
    if code == entry.TERMINATED:
      code = -signal.SIGTERM
    if code < 0:
      return f'killed by {signal.Signals(-code).name}'
    with self.log.open('rb') as log:
      size = log.seek(0, os.SEEK_END)
      log.seek(max(self.log_start, size - _LOG_TAIL_BYTES))
      tail = log.read().decode(errors='replace')
    errors = [m['error'] for m in _TRACEBACK.finditer(tail) if not m['ignored']]
    if errors and code == entry.REFUSED:
      return errors[-1].split(': ', 1)[-1]  # Its kind is of no use to who reads it.
    if errors and code:
      return errors[-1]
    return f'exit code {code}' + (' before its work was done' if code == 0 else '')


@dataclasses.dataclass
class ThreadNode:
  """A node that runs as a daemon thread of this process. It cannot be killed.

  Attributes:
    manager: what answers the node's `lp.stop_event()`.
    function: what the node runs.
    end: how it has ended.
    cause: the exception that it failed with.
  """

  label: str
  title: str
  manager: worker_manager.WorkerManager
  function: Callable[[], Any]
  end: End | None = None
  cause: str = ''
  start: float = dataclasses.field(default_factory=time.monotonic)

  def run(self) -> None:
    """Runs the node to its end, in the thread."""
    try:
      self.function()
      self.end = End.RETURNED
    except BaseException as error:
      logging.exception('%s failed', self.title)
      is_refused = isinstance(error, UserError | RunFault)
      self.cause = cause_of(error)
      self.end = End.REFUSED if is_refused else End.DIED

  def poll(self) -> End | None:
    """See `Node`."""
    return self.end

  def stop(self) -> None:
    """See `Node`."""
    self.manager.stop_event().set()

  def kill(self) -> None:
    """See `Node`; leaves the thread to end with this process."""

  def error(self) -> str:
    """See `Node`."""
    return f'{self.title} failed: {self.cause}'


def prepare(
  program: lp.Program,
  launch_type: context.LaunchType,
  logs: pathlib.Path,
  environment: Mapping[str, Mapping[str, str]],
  nursery: Nursery | None = None,
) -> list[Start]:
  """Returns what starts each node of the program, in the order of the program.

  Must be called from the main thread.

  Args:
    program: the program, whose nodes become bound to their addresses.
    launch_type: LOCAL_MULTI_PROCESSING or LOCAL_MULTI_THREADING.
    logs: the folder for '<label>-<index>.log'; processes only.
    environment: extra environment variables by label; processes only.
    nursery: where the nodes come from; processes only.

  Raises:
    ValueError: for another launch type.
  """
  # Launchpad and Acme read absl flags; this one, at its default, would have
  # Launchpad's thread manager kill this whole process ten seconds after a stop.
  flags.FLAGS(['qmle', '--lp_termination_notice_secs=-1'], known_only=True)
  executables = _executables(program, launch_type, environment)
  if launch_type is context.LaunchType.LOCAL_MULTI_PROCESSING:
    assert nursery is not None
    logs.mkdir(parents=True, exist_ok=True)
    return [functools.partial(_start_process, *e, logs, nursery) for e in executables]
  if launch_type is context.LaunchType.LOCAL_MULTI_THREADING:
    with _handlers_kept():
      worker_manager.WorkerManager(False)  # The first takes the handlers of signals.
    return [functools.partial(_start_thread, *e) for e in executables]
  raise ValueError(f'a program runs as processes or threads, not {launch_type}')


@contextlib.contextmanager
def _handlers_kept() -> Iterator[None]:
  """Puts back the handlers of signals that Launchpad takes."""
  numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGALRM)
  handlers = {number: signal.getsignal(number) for number in numbers}
  yield
  for number, handler in handlers.items():
    signal.signal(number, handler)


def _executables(
  program: lp.Program,
  launch_type: context.LaunchType,
  environment: Mapping[str, Mapping[str, str]],
) -> list[tuple[str, str, Any]]:
  """Returns (label, title, Launchpad's command or function) of each node.

  Does what Launchpad's own launchers do, and is the one place that knows how.
  """
  for label, nodes in program.groups.items():
    config = local_multi_processing.PythonProcess(env=environment.get(label, {}))
    for node in nodes:
      node._initialize_context(launch_type, launch_config=config)
  for label, nodes in program.groups.items():
    for node in nodes:
      for handle in node.input_handles:
        handle.connect(node, label)
  for node in program.get_all_nodes():
    node.bind_addresses()
  return [
    (label, f'{label}/{index}', executable)
    for label, nodes in program.groups.items()
    for index, executable in enumerate(
      nodes[0].to_executables(nodes, label, nodes[0].launch_context)
    )
  ]


def _start_process(
  label: str,
  title: str,
  command: Any,
  logs: pathlib.Path,
  nursery: Nursery,
) -> ProcessNode:
  # After the interpreter and the script of Launchpad, whose place `entry` takes.
  arguments = [a for a in command.command_as_list[2:] if a != '--pdb_post_mortem']
  # A node would otherwise kill itself ten seconds after SIGTERM, come what may.
  arguments.append('--lp_termination_notice_secs=-1')
  log = logs / f'{title.replace("/", "-")}.log'
  log.touch()
  log_start = log.stat().st_size  # Before the node writes to it.
  environment = {**os.environ, **command.env_overrides}
  request = Request(arguments, environment, sys.path, log.absolute())
  return ProcessNode(label, title, log, log_start, nursery.start(request))


def _start_thread(label: str, title: str, function: Callable[[], Any]) -> ThreadNode:
  manager = worker_manager.WorkerManager(False)
  node = ThreadNode(label, title, manager, function)
  manager.thread_worker(title, node.run)
  return node
