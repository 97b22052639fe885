"""Finds what stands still in a distributed run, and why.

Who waits for others has an excuse: for a server that does not answer, or as the rate
limiter of replay says, the learner for actors, or actors for the learner. So it is the
one at fault that is named. Rows come from steps, so that none are inserted is said as
what actors do instead.
"""

import dataclasses
import time
from collections.abc import Mapping, Sequence

from qmle_acme.replay import TABLE
from qmle_acme.runs.activity import SAVING, Doing
from qmle_acme.runs.config import FaultsConfig
from qmle_acme.runs.progress import Progress, Waits, who_waits
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.topology.monitor import View
from qmle_acme.topology.nodes import Node

# Who has not been heard for so long does not answer: nodes tell every two seconds.
_SILENT_SECONDS = 15.0
# What a node may take to be heard for the first time.
_START_SECONDS = 120.0
# The label of the nodes that may stand still, as they wait for others.
_WAITING = {
  Waits.FIRST: 'learner',
  Waits.LEARNER: 'learner',
  Waits.ACTORS: 'actor',
}


@dataclasses.dataclass(frozen=True)
class Stall:
  """A node that stands still.

  Attributes:
    node: title of the one at fault, for example 'actor/0'.
    line: what stands still, since when and why, for people.
    is_saving: whether it writes a checkpoint, which no restart would hasten.
  """

  node: str
  line: str
  is_saving: bool = False


class StoodStill(Exception):
  """A stall that is to end the run, in one line."""


class Watchdog:
  """Says what stands still, once each time, and does what the settings say."""

  def __init__(self, faults: FaultsConfig, folder: RunFolder, progress: Progress):
    self._faults = faults
    self._folder = folder
    self._progress = progress
    # When each node last had an excuse.
    self._excused: dict[str, float] = {}
    self._said: set[str] = set()

  def look(self, view: View, nodes: Sequence[Node]) -> None:
    """Looks at the run, and may kill a node.

    Raises:
      StoodStill: the settings say that the run is to end.
    """
    now = time.monotonic()
    up = {node.title: now - node.start for node in nodes if node.poll() is None}
    self._excused |= dict.fromkeys(excused(view, up), now)
    due = {t: min(up[t], now - self._excused.get(t, 0.0)) for t in up}
    stalls = find(view, due, self._faults.stall_seconds)
    for stall in stalls:
      if stall.node not in self._said:
        self._folder.append_fault('stall', stall.node, stall.line)
        self._progress.say(f'stall: {stall.line}')
      if not stall.is_saving:
        self._act(stall, nodes)
    self._said = {stall.node for stall in stalls}

  def _act(self, stall: Stall, nodes: Sequence[Node]) -> None:
    if self._faults.stall_policy == 'end':
      raise StoodStill(stall.line)
    if self._faults.stall_policy == 'restart':
      for node in nodes:
        if node.title == stall.node:
          node.kill()


def excused(view: View, up: Mapping[str, float]) -> set[str]:
  """Returns the titles of the nodes that may stand still now: they wait for others.

  Args:
    view: of the run.
    up: the seconds for which each node that runs now has been up, by its title.
  """
  if max(view.silent.values()) >= _SILENT_SECONDS:
    return set(view.nodes)
  waiting = _WAITING.get(_who_waits(view))
  found = set()
  for title, doing in view.nodes.items():
    is_starting = up.get(title, 0.0) < min(doing.silent, _START_SECONDS)
    is_well = doing.silent < _SILENT_SECONDS and not doing.what
    if is_starting or (is_well and title.split('/')[0] == waiting):
      found.add(title)
  return found


def find(view: View, due: Mapping[str, float], seconds: float) -> list[Stall]:
  """Returns what has stood still for so long without an excuse.

  Args:
    view: of the run.
    due: the seconds for which each node that runs now has had no excuse, by its title.
    seconds: after which something stands still.
  """
  stalls = [
    Stall(title, f'{title} has not answered for {silent:.0f} s')
    for title, silent in view.silent.items()
    if min(silent, due.get(title, 0.0)) >= seconds
  ]
  for title, doing in view.nodes.items():
    still = min(_still_seconds(doing), due.get(title, 0.0))
    if still >= seconds:
      line = f'{title} has got no further for {still:.0f} s: {_cause(view, doing)}'
      stalls.append(Stall(title, line, doing.what == SAVING))
  return stalls


def _still_seconds(doing: Doing) -> float:
  """Returns for how long a node has got no further."""
  if doing.idle is not None:
    return doing.idle
  # The evaluator counts nothing, and may have nothing to do.
  return max(doing.silent, doing.since if doing.what else 0.0)


def _cause(view: View, doing: Doing) -> str:
  if doing.silent >= _SILENT_SECONDS:
    return f'it has not been heard for {doing.silent:.0f} s'
  if doing.what:
    return f'it has been {doing.what} for {doing.since + doing.silent:.0f} s'
  return f'it waits for no other (rate limiter: {_who_waits(view).value})'


def _who_waits(view: View) -> Waits:
  return who_waits(view.replay_info[TABLE].rate_limiter_info)
