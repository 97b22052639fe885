"""How a distributed run stands, as its servers say.

They are asked in a thread: a call to a server that does not answer waits in C++, where
the main thread would not see a signal.
"""

import contextlib
import dataclasses
import datetime
import threading
from typing import Any

import launchpad as lp

from qmle_acme.runs.records import ACTOR_STEPS

_PERIOD_SECONDS = 1.0
_TIMEOUT_SECONDS = 5


@dataclasses.dataclass(frozen=True)
class View:
  """How the run stands.

  Attributes:
    snapshot: of the recorder.
    replay_info: the tables' info by name, from Reverb.
  """

  snapshot: dict[str, Any]
  replay_info: dict[str, Any]


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
    self._thread: threading.Thread | None = None

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
    counter, replay = self._counter.dereference(), self._replay.dereference()
    while not self._closed.wait(_PERIOD_SECONDS):
      # Until both servers are up there is nothing to see.
      with contextlib.suppress(Exception):
        snapshot = counter.snapshot()
        if ACTOR_STEPS in snapshot:  # The learner has resumed the counts.
          self._view = View(snapshot, replay.server_info(timeout=_TIMEOUT_SECONDS))
