"""A stop waits for an environment that does not return, but only for so long."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from typing import Any

from qmle_acme.environments import watched
from qmle_acme.errors import EnvironmentCrash
from qmle_acme.runs.activity import Activity, every

SECONDS = 20.0
_WATCH_SECONDS = 1.0


class Left(EnvironmentCrash):
  """An environment was left in the midst of a step, so that the run could stop."""


@contextlib.contextmanager
def limited(
  activity: Activity, stop: threading.Event, seconds: float = SECONDS
) -> Iterator[None]:
  """Leaves an environment that does not return though a stop was asked for.

  `Left` is raised inside of it, so that what was learned can be saved. That reaches
  Python and waits for the system, not a loop in C; and the main thread alone.

  Args:
    activity: of the main thread.
    stop: set when a stop is asked for.
    seconds: that an environment may take then for one step.
  """
  main = threading.main_thread()
  if threading.current_thread() is not main:
    yield
    return

  def leave(number: int, frame: Any) -> None:
    what, inside = activity.look()
    if what in watched.INSIDE:  # It may have returned just now.
      raise Left(
        f'the environment was left: the run had been {what} for {inside:.0f} s'
      )

  def watch() -> None:
    what, inside = activity.look()
    if stop.is_set() and what in watched.INSIDE and inside >= seconds:
      assert main.ident is not None
      signal.pthread_kill(main.ident, signal.SIGALRM)  # It interrupts a sleep, too.

  before = signal.signal(signal.SIGALRM, leave)
  try:
    with every(_WATCH_SECONDS, watch):
      yield
  finally:
    signal.signal(signal.SIGALRM, before)
