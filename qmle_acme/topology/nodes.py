"""The nodes of a Launchpad program as things that can be started, asked and stopped.

`prepare` turns an `lp.Program` into one `Start` per node. Calling it runs the node, as
a process of its own or as a thread of this process, and returns it as a `Node`.
"""

import contextlib
import dataclasses
import functools
import os
import pathlib
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import launchpad as lp
from absl import flags, logging
from launchpad import context
from launchpad.launch import worker_manager
from launchpad.nodes.python import local_multi_processing

from qmle_acme.processes import die_with

_LOG_TAIL_BYTES = 65536

# The exception line is the first line after the header that reads 'a.dotted.Name' or
# 'a.dotted.Name: message': other threads may log in the middle of a traceback. What
# the interpreter ignores while it shuts down is no cause of anything.
_TRACEBACK = re.compile(
  r'^(?P<ignored>Exception ignored in.*\n)?Traceback \(most recent call last\):\n'
  r'(?:.*\n)*?(?P<error>[A-Za-z_][\w.]*(?:: .*)?)$',
  re.MULTILINE,
)


class Node(Protocol):
  """A started node.

  Attributes:
    label: the group of the program that it belongs to, for example 'actor'.
    title: its name for people, for example 'actor/0'.
  """

  label: str
  title: str

  def poll(self) -> int | None:
    """Returns None while it runs, then 0 or the code that it failed with."""

  def stop(self) -> None:
    """Asks it to end: its `lp.stop_event()` is set."""

  def kill(self) -> None:
    """Ends it at once, where that is possible."""

  def error(self) -> str:
    """Returns the one line that says why it failed."""


Start = Callable[[], Node]


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
  process: subprocess.Popen[bytes]

  def poll(self) -> int | None:
    """See `Node`; negative for the signal that killed it."""
    if self.process.returncode is None and self.process.poll() is not None:
      self._kill_group()  # What a node started ends with it.
    return self.process.returncode

  def stop(self) -> None:
    """See `Node`."""
    self.process.terminate()

  def kill(self) -> None:
    """See `Node`."""
    self._kill_group()
    self.process.wait()

  def error(self) -> str:
    """See `Node`."""
    return f'{self.title} failed: {self._cause()} ({self.log})'

  def _kill_group(self) -> None:
    with contextlib.suppress(ProcessLookupError):
      os.killpg(self.process.pid, signal.SIGKILL)

  def _cause(self) -> str:
    if self.process.returncode < 0:
      return f'killed by {signal.Signals(-self.process.returncode).name}'
    with self.log.open('rb') as log:
      size = log.seek(0, os.SEEK_END)
      log.seek(max(self.log_start, size - _LOG_TAIL_BYTES))
      tail = log.read().decode(errors='replace')
    errors = [m['error'] for m in _TRACEBACK.finditer(tail) if not m['ignored']]
    return errors[-1] if errors else f'exit code {self.process.returncode}'


@dataclasses.dataclass
class ThreadNode:
  """A node that runs as a daemon thread of this process. It cannot be killed.

  Attributes:
    manager: what answers the node's `lp.stop_event()`.
    function: what the node runs.
    code: 0 or 1 once it is over.
    cause: the exception that it failed with.
  """

  label: str
  title: str
  manager: worker_manager.WorkerManager
  function: Callable[[], Any]
  code: int | None = None
  cause: str = ''

  def run(self) -> None:
    """Runs the node to its end, in the thread."""
    try:
      self.function()
      self.code = 0
    except BaseException as error:
      logging.exception('%s failed', self.title)
      self.cause = f'{type(error).__name__}: {error}'.splitlines()[0]
      self.code = 1

  def poll(self) -> int | None:
    """See `Node`."""
    return self.code

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
) -> list[Start]:
  """Returns what starts each node of the program, in the order of the program.

  For threads this lets Launchpad take the handlers of SIGINT, SIGTERM, SIGQUIT and
  SIGALRM: set your own afterwards.

  Args:
    program: the program, whose nodes become bound to their addresses.
    launch_type: LOCAL_MULTI_PROCESSING or LOCAL_MULTI_THREADING.
    logs: the folder for '<label>-<index>.log'; processes only.
    environment: extra environment variables by label; processes only.

  Raises:
    ValueError: for another launch type.
  """
  # Launchpad and Acme read absl flags; this one, at its default, would have
  # Launchpad's thread manager kill this whole process ten seconds after a stop.
  flags.FLAGS(['qmle', '--lp_termination_notice_secs=-1'], known_only=True)
  executables = _executables(program, launch_type, environment)
  if launch_type is context.LaunchType.LOCAL_MULTI_PROCESSING:
    logs.mkdir(parents=True, exist_ok=True)
    return [functools.partial(_start_process, *e, logs) for e in executables]
  if launch_type is context.LaunchType.LOCAL_MULTI_THREADING:
    managers = [worker_manager.WorkerManager(False) for _ in executables]
    return [
      functools.partial(_start_thread, *e, manager)
      for e, manager in zip(executables, managers, strict=True)
    ]
  raise ValueError(f'a program runs as processes or threads, not {launch_type}')


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
  label: str, title: str, command: Any, logs: pathlib.Path
) -> ProcessNode:
  arguments = [a for a in command.command_as_list if a != '--pdb_post_mortem']
  # A node would otherwise kill itself ten seconds after SIGTERM, come what may.
  arguments.append('--lp_termination_notice_secs=-1')
  environment = {
    **os.environ,
    'PYTHONUNBUFFERED': '1',
    # What can be imported here can be imported there.
    'PYTHONPATH': os.pathsep.join(os.path.abspath(path) for path in sys.path),
    **command.env_overrides,
  }
  log = logs / f'{title.replace("/", "-")}.log'
  with log.open('ab') as output:
    log_start = output.tell()  # Before the node moves it.
    process = subprocess.Popen(
      arguments,
      stdin=subprocess.DEVNULL,
      stdout=output,
      stderr=subprocess.STDOUT,
      env=environment,
      preexec_fn=functools.partial(_lead_group, os.getpid()),
    )
  return ProcessNode(label, title, log, log_start, process)


def _lead_group(parent: int) -> None:
  """Makes this process the leader of its group, out of reach of the terminal's Ctrl-C.

  No session of its own: Linux shares the processor by sessions first, and what `nice`
  says counts within one alone.
  """
  os.setpgid(0, 0)
  die_with(parent)


def _start_thread(
  label: str,
  title: str,
  function: Callable[[], Any],
  manager: worker_manager.WorkerManager,
) -> ThreadNode:
  node = ThreadNode(label, title, manager, function)
  manager.thread_worker(title, node.run)
  return node
