"""Runs a Launchpad program to an orderly end, in the place of Launchpad's launchers.

Those ignore the failure of a node or leave others behind, and give ten seconds to
whatever has to be saved. Here a run ends as a whole, for one of three reasons:

  finished  every node of the label `done` has returned;
  failed    a node has raised, exited with a code or was killed by a signal, or one that
            others need has ended by itself;
  stopped   this process got SIGINT or SIGTERM, which `lp.stop()` in a node sends too.

Whatever the reason, the nodes are then asked to stop, label by label, so that the
learner of a failed run can still save. Nothing outlives this process.
"""

import contextlib
import dataclasses
import pathlib
import signal
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence

import launchpad as lp
from absl import logging
from launchpad import context

from qmle_acme.topology import nodes as nodes_lib

_TICK_SECONDS = 0.25
_POLL_SECONDS = 0.05


@dataclasses.dataclass(frozen=True)
class Outcome:
  """How a run ended.

  Attributes:
    state: 'finished', 'stopped' or 'failed'.
    exit_code: what the process should exit with: 0 when finished, 1 when failed, 130
      when stopped by SIGINT and 143 by SIGTERM.
    error: one line on what went wrong, if anything did: for example
      'actor/0 failed: ValueError: no such task (runs/x/logs/actor-0.log)'.
    killed: labels of the nodes that had not stopped in time, in the program's order.
  """

  state: str
  exit_code: int
  error: str | None = None
  killed: tuple[str, ...] = ()


def supervise(
  program: lp.Program,
  *,
  launch_type: context.LaunchType,
  logs: pathlib.Path,
  environment: Mapping[str, Mapping[str, str]],
  done: str,
  lasting: Collection[str],
  patience: Mapping[str, float],
  on_tick: Callable[[], None],
) -> Outcome:
  """Runs the program until it is finished, has failed or is told to stop.

  Must be called from the main thread. A second SIGINT ends the nodes at once.

  As processes, nodes are out of reach of the terminal's Ctrl-C and are killed by the
  kernel if this process is. As threads, they share this process: `environment` and
  `logs` do not apply, the stop reaches them through `lp.stop_event()` only, and one
  that does not stop in time is left running, as a daemon, until the process exits.

  Args:
    program: what to run; only once.
    launch_type: LOCAL_MULTI_PROCESSING or LOCAL_MULTI_THREADING.
    logs: the folder where '<label>-<index>.log' takes what each node prints, after
      what an earlier run left there.
    environment: extra environment variables by label, for example thread counts.
    done: the label whose nodes finish the run when all of them have returned. Nodes
      that call them should bear their absence until they are stopped.
    lasting: the labels whose nodes must not end before they are stopped.
    patience: the labels in the order in which they are stopped, and the seconds that
      each has before the next one is asked to stop. Those that are not named are
      stopped last and at once; the sum is what the run may take to stop before nodes
      that are left are killed.
    on_tick: called four times a second until the run begins to end. What it raises
      ends the run and is raised from here once everything has stopped.

  Returns:
    How the run ended. A node that fails while it is being stopped, for example to
    write its last checkpoint, makes the run a failed one.

  Raises:
    ValueError: if the program has no nodes labelled `done`.
  """
  if done not in program.groups:
    raise ValueError(f'no node is labelled {done!r}, only {sorted(program.groups)}')
  with _signals_restored():
    starts = nodes_lib.prepare(program, launch_type, logs, environment)
    received = _record_signals()
    nodes: list[nodes_lib.Node] = []
    try:
      for start in starts:
        nodes.append(start())
      outcome = _watch(nodes, done, lasting, received, on_tick)
    finally:
      error, killed = _stop(nodes, patience, received)
  if error and outcome.state != 'failed':
    outcome = Outcome('failed', 1, error)
  return dataclasses.replace(outcome, killed=killed)


@contextlib.contextmanager
def _signals_restored() -> Iterator[None]:
  """Puts back the signal handlers that we and Launchpad's threads replace."""
  numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGALRM)
  handlers = {number: signal.getsignal(number) for number in numbers}
  try:
    yield
  finally:
    for number, handler in handlers.items():
      signal.signal(number, handler)


def _record_signals() -> list[int]:
  """Returns the list to which every SIGINT and SIGTERM is added from now on."""
  received: list[int] = []
  for number in (signal.SIGINT, signal.SIGTERM):
    signal.signal(number, lambda number, _: received.append(number))
  return received


def _watch(
  nodes: Sequence[nodes_lib.Node],
  done: str,
  lasting: Collection[str],
  received: Sequence[int],
  on_tick: Callable[[], None],
) -> Outcome:
  """Waits for the first reason to end the run."""
  while True:
    if received:
      return Outcome('stopped', 128 + received[0])
    # Of several, the first in the program: it declares servers before their clients.
    for node in nodes:
      if node.poll() not in (None, 0):
        return Outcome('failed', 1, node.error())
    if all(node.poll() == 0 for node in nodes if node.label == done):
      return Outcome('finished', 0)
    # A signal may have reached it that was meant for the whole run.
    for node in nodes:
      if node.label in lasting and node.poll() == 0:
        return Outcome('failed', 1, f'{node.title} ended before the run did')
    on_tick()
    time.sleep(_TICK_SECONDS)


def _stop(
  nodes: Sequence[nodes_lib.Node],
  patience: Mapping[str, float],
  received: Sequence[int],
) -> tuple[str | None, tuple[str, ...]]:
  """Stops all nodes in order, then kills what is left.

  One stuck actor does not cost the learner its checkpoint: whoever is late goes on
  beside the others until the time is up.

  Returns:
    The error of the first node that failed, if any did by itself, and the labels of
    those that had to be killed.
  """
  deadline = time.monotonic() + sum(patience.values())
  rest = {node.label: 0.0 for node in nodes if node.label not in patience}
  for label, seconds in {**patience, **rest}.items():
    group = [node for node in nodes if node.label == label and node.poll() is None]
    for node in group:
      node.stop()
    _wait(group, min(deadline, time.monotonic() + seconds), received)
  _wait(nodes, deadline, received)
  killed = [node for node in nodes if node.poll() is None]
  for node in killed:
    logging.warning('%s had not stopped by the end and was killed', node.title)
    node.kill()
  # A process that is stopped before it has set up its handlers dies of SIGTERM.
  orderly = (0, -signal.SIGTERM)
  failed = (n for n in nodes if n not in killed and n.poll() not in orderly)
  error = next((node.error() for node in failed), None)
  return error, tuple(node.label for node in killed)


def _wait(
  nodes: Sequence[nodes_lib.Node], deadline: float, received: Sequence[int]
) -> None:
  """Returns when the nodes are over, at the deadline, or at a second SIGINT."""
  while any(node.poll() is None for node in nodes):
    if time.monotonic() >= deadline or received.count(signal.SIGINT) > 1:
      return
    time.sleep(_POLL_SECONDS)
