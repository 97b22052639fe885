"""How a distributed run stands, as its servers say.

They are asked in a thread: a call to a server that does not answer waits in C++, where
the main thread would not see a signal.
"""

import contextlib
import dataclasses
import datetime
import threading
import time
from collections.abc import Callable, Mapping
from typing import Any

import launchpad as lp

from qmle_acme.runs.activity import Doing
from qmle_acme.runs.records import ACTOR_STEPS, NODES

_PERIOD_SECONDS = 1.0
_TIMEOUT_SECONDS = 5


@dataclasses.dataclass(frozen=True)
class View:
  """How the run stands.

  Attributes:
    snapshot: of the recorder, when it last answered.
    replay_info: the tables' info by name, from Reverb, when it last answered.
    silent: the seconds since each server last answered, by its title.
  """

  snapshot: dict[str, Any]
  replay_info: dict[str, Any]
  silent: Mapping[str, float]

  @property
  def nodes(self) -> Mapping[str, Doing]:
    """What each node is doing, by its title."""
    return self.snapshot[NODES]


class _Server:
  """A server, and what it last said."""

  def __init__(self, ask: Callable[[], Any]):
    self._ask = ask
    self.answer: Any = None
    self.heard = time.monotonic()

  def listen(self) -> None:
    """Asks, and keeps what was said before if there is no answer."""
    with contextlib.suppress(Exception):  # Of many kinds.
      self.answer = self._ask()
      self.heard = time.monotonic()


class Monitor:
  """Looks at a run about once a second, from the first `take` until it is closed."""

  def __init__(self, counter: lp.CourierHandle, replay: Any):
    """Takes what is looked at; the addresses need not be bound yet.

    Args:
      counter: handle of the recorder.
      replay: handle of the replay server.
    """
    counter.set_client_kwargs(call_timeout=datetime.timedelta(seconds=_TIMEOUT_SECONDS))
    self._counter = counter
    self._replay = replay
    self._closed = threading.Event()
    self._view: View | None = None
    self._is_counting = False
    self._thread: threading.Thread | None = None

  @property
  def awaited(self) -> str:
    """What has to come before the first view."""
    if self._is_counting:
      return 'the learner, which makes its networks or restores them'
    return 'the nodes'

  def take(self) -> View | None:
    """Returns how the run stands, if that was seen since the last time."""
    if self._thread is None:
      self._thread = threading.Thread(target=self._run, daemon=True)
      self._thread.start()
    view, self._view = self._view, None
    return view

  def close(self) -> None:
    """Ends the thread, as soon as its last call comes back."""
    self._closed.set()

  def _run(self) -> None:
    # Clients are made once: each has threads of its own.
    client = self._replay.dereference()
    counter = _Server(self._counter.dereference().snapshot)
    replay = _Server(lambda: client.server_info(timeout=_TIMEOUT_SECONDS))
    while not self._closed.wait(_PERIOD_SECONDS):
      counter.listen()
      replay.listen()
      self._is_counting = counter.answer is not None
      # Before the learner has resumed the counts there is nothing to see.
      if ACTOR_STEPS not in (counter.answer or {}) or replay.answer is None:
        continue
      now = time.monotonic()
      silent = {'counter/0': now - counter.heard, 'replay/0': now - replay.heard}
      self._view = View(counter.answer, replay.answer, silent)
