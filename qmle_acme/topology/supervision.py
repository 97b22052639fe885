"""Runs a Launchpad program to an orderly end, in the place of Launchpad's launchers.

Those ignore the failure of a node or leave others behind, and give ten seconds to
whatever has to be saved. Here a node that can be spared is started again when it dies,
as often as it is allowed to. The rest ends as a whole, for one of three reasons:

  finished  every node of the label `done` has returned;
  failed    a node that all need has died, or another one too often, or has refused to
            go on by a `UserError`;
  stopped   this process got SIGINT, SIGTERM, which `lp.stop()` in a node sends too, or
            SIGHUP.

Whatever the reason, the nodes are then asked to stop, label by label, so that the
learner of a failed run can still save. Nothing outlives this process.
"""

import dataclasses
import pathlib
import signal
import time
from collections.abc import Callable, Collection, Mapping, Sequence

import launchpad as lp
from absl import logging
from launchpad import context

from qmle_acme.topology import nodes as nodes_lib
from qmle_acme.topology.nodes import End
from qmle_acme.topology.nursery import Nursery
from qmle_acme.topology.restarts import Restarts

_TICK_SECONDS = 0.1
_POLL_SECONDS = 0.05


@dataclasses.dataclass(frozen=True)
class Outcome:
  """How a run ended.

  Attributes:
    state: 'finished', 'stopped' or 'failed'.
    exit_code: what the process should exit with: 0 when finished, 1 when failed, and
      128 + its number when stopped by a signal: 130 by SIGINT, 143 by SIGTERM.
    error: one line on what went wrong, if anything did: for example
      'actor/0 failed: ValueError: no such task (runs/x/logs/actor-0.log)'.
    killed: labels of the nodes that had not stopped in time, in the program's order.
    lost: title of the node whose death ended the run, if one that all need has died.
  """

  state: str
  exit_code: int
  error: str | None = None
  killed: tuple[str, ...] = ()
  lost: str | None = None


@dataclasses.dataclass(frozen=True)
class Policy:
  """What becomes of a program when its nodes end.

  Attributes:
    done: the label whose nodes finish the run when all of them have returned. Nodes
      that call them should bear their absence until they are stopped.
    lasting: the labels whose nodes must not end before they are stopped.
    patience: the labels in the order in which they are stopped, and the seconds that
      each has before it is killed. Those that are not named are stopped last, and have
      what is left of the sum.
    saving: the labels with something to save, and those that they save to. Once a
      lasting node has died, the others are killed without being asked: they may wait
      for it.
    restarts: grants restarts to the nodes that are neither lasting nor have refused.
  """

  done: str
  lasting: Collection[str]
  patience: Mapping[str, float]
  saving: Collection[str]
  restarts: Restarts


class Post:
  """The place of a node in the program, which one after the other may fill."""

  def __init__(self, start: nodes_lib.Start):
    self._start = start
    self._wake: float | None = None
    self.node = start()

  def restart_in(self, seconds: float) -> None:
    """Has the node started again, later."""
    self._wake = time.monotonic() + seconds

  def restart_if_due(self) -> None:
    """Starts the node again if that time has come."""
    if self._wake is not None and time.monotonic() >= self._wake:
      self._wake = None
      self.node = self._start()

  def end(self) -> End | None:
    """Returns how the node has ended; None while it runs or waits for its restart."""
    return None if self._wake is not None else self.node.poll()


def supervise(
  program: lp.Program,
  policy: Policy,
  *,
  launch_type: context.LaunchType,
  logs: pathlib.Path,
  environment: Mapping[str, Mapping[str, str]],
  on_tick: Callable[[Sequence[nodes_lib.Node]], None],
  on_restart: Callable[[str, str], None],
  received: Sequence[int],
  nursery: Nursery | None = None,
) -> Outcome:
  """Runs the program until it is finished, has failed or is told to stop.

  A second SIGINT ends the nodes at once.

  As processes, nodes are out of reach of the terminal's Ctrl-C and are killed by the
  kernel if this process is. As threads, they share this process: `environment` and
  `logs` do not apply, the stop reaches them through `lp.stop_event()` only, and one
  that does not stop in time is left running, as a daemon, until the process exits.

  Args:
    program: what to run; only once.
    policy: what becomes of it when nodes end.
    launch_type: LOCAL_MULTI_PROCESSING or LOCAL_MULTI_THREADING.
    logs: the folder where '<label>-<index>.log' takes what each node prints, after
      what an earlier run left there.
    environment: extra environment variables by label, for example thread counts.
    on_tick: called with the nodes several times a second until the run begins to end;
      it may kill some. What it raises ends the run and is raised from here once
      everything has stopped.
    on_restart: called with the title and the error of a node that is to be restarted.
    received: the signals that have come so far, as `processes.recorded_signals` adds
      to it.
    nursery: where the nodes come from; needed for processes, and for them only.

  Returns:
    How the run ended. A node that fails while it is being stopped, for example to
    write its last checkpoint, makes the run a failed one.

  Raises:
    ValueError: if the program has no nodes labelled `done`.
  """
  if policy.done not in program.groups:
    known = sorted(program.groups)
    raise ValueError(f'no node is labelled {policy.done!r}, only {known}')
  posts: list[Post] = []
  is_cut_off = False
  try:
    for start in nodes_lib.prepare(program, launch_type, logs, environment, nursery):
      posts.append(Post(start))
    outcome = _watch(posts, policy, received, on_tick, on_restart)
    is_cut_off = outcome.lost is not None
  finally:
    nodes = [post.node for post in posts]
    error, killed = _stop(nodes, policy, received, is_cut_off)
  if error and outcome.state != 'failed':
    outcome = Outcome('failed', 1, error)
  return dataclasses.replace(outcome, killed=killed)


def _watch(
  posts: Sequence[Post],
  policy: Policy,
  received: Sequence[int],
  on_tick: Callable[[Sequence[nodes_lib.Node]], None],
  on_restart: Callable[[str, str], None],
) -> Outcome:
  """Waits for the first reason to end the run; restarts what dies meanwhile."""
  while True:
    if received:
      return Outcome('stopped', 128 + received[0])
    # Of several, the first in the program: it declares servers before their clients.
    for post in posts:
      post.restart_if_due()
      outcome = _mend(post, policy, on_restart)
      if outcome:
        return outcome
    done = [post.end() for post in posts if post.node.label == policy.done]
    if all(end is End.RETURNED for end in done):
      return Outcome('finished', 0)
    on_tick([post.node for post in posts])
    time.sleep(_TICK_SECONDS)


def _mend(
  post: Post, policy: Policy, on_restart: Callable[[str, str], None]
) -> Outcome | None:
  """Has a node that has died started again; returns the outcome if it may not be."""
  node, end = post.node, post.end()
  if end is None:
    return None
  if node.label in policy.lasting:
    returned = f'{node.title} ended before the run did'
    error = returned if end is End.RETURNED else node.error()
    return Outcome('failed', 1, error, lost=None if end is End.REFUSED else node.title)
  if end is End.RETURNED:
    return None
  delay = None if end is End.REFUSED else policy.restarts.grant(node.title)
  if delay is None:
    return Outcome('failed', 1, node.error())
  on_restart(node.title, node.error())
  post.restart_in(delay)
  return None


def _stop(
  nodes: Sequence[nodes_lib.Node],
  policy: Policy,
  received: Sequence[int],
  is_cut_off: bool,
) -> tuple[str | None, tuple[str, ...]]:
  """Stops all nodes in order; whoever is late is killed.

  One stuck actor does not cost the learner its checkpoint.

  Args:
    nodes: of the program.
    policy: the order, and the seconds of each label.
    received: signals; a second SIGINT ends the waiting.
    is_cut_off: whether a node is gone that the others may wait for.

  Returns:
    The error of the first node that failed, if any did by itself, and the labels of
    those that had to be killed before they had saved.
  """
  running = [node for node in nodes if node.poll() is None]
  if is_cut_off:
    for node in running:
      if node.label not in policy.saving:
        node.kill()
    running = [node for node in running if node.poll() is None]
  killed: list[nodes_lib.Node] = []
  last = time.monotonic() + sum(policy.patience.values())
  others = {node.label for node in nodes if node.label not in policy.patience}
  for label in [*policy.patience, *sorted(others)]:
    group = [node for node in running if node.label == label]
    for node in group:
      node.stop()
    seconds = policy.patience.get(label)
    deadline = last if seconds is None else time.monotonic() + seconds
    _wait(group, deadline, received)
    for node in group:
      if node.poll() is None:
        logging.warning('%s had not stopped in time and was killed', node.title)
        node.kill()
        killed.append(node)
  orderly = (None, End.RETURNED, End.TERMINATED)
  failed = [n for n in running if n not in killed and n.poll() not in orderly]
  error = failed[0].error() if failed else None
  return error, tuple(node.label for node in nodes if node in killed)


def _wait(
  nodes: Sequence[nodes_lib.Node], deadline: float, received: Sequence[int]
) -> None:
  """Returns when the nodes are over, at the deadline, or at a second SIGINT."""
  while any(node.poll() is None for node in nodes):
    if time.monotonic() >= deadline or received.count(signal.SIGINT) > 1:
      return
    time.sleep(_POLL_SECONDS)
