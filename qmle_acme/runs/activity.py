"""What a node is doing, and since when, as it tells the recorder while it lives."""

import contextlib
import dataclasses
import threading
import time
from collections.abc import Callable, Iterator
from typing import Protocol

_BEAT_SECONDS = 2.0
_WATCH_SECONDS = 1.0

SAVING = 'saving a checkpoint'


@dataclasses.dataclass(frozen=True)
class Doing:
  """What a node was doing when it was last heard; all times are in seconds.

  Attributes:
    what: for people; empty if it has no name.
    since: it began with that, when it was last heard.
    silent: it was last heard.
    idle: its count last grew; None if it counts nothing.
  """

  what: str
  since: float
  silent: float
  idle: float | None


class Listener(Protocol):
  """The recorder, as far as it listens to nodes."""

  def note_alive(self, source: str, what: str, since: float) -> None:
    """Notes that a node lives, and what it has been doing for how many seconds."""

  def note_ended(self, source: str) -> None:
    """Notes that a node has no more to do."""


class Activity:
  """What one thread is doing; others may look."""

  def __init__(self) -> None:
    self._now = ('', time.monotonic())

  @contextlib.contextmanager
  def of(self, what: str) -> Iterator[None]:
    """Names what is done within."""
    self._now = (what, time.monotonic())
    try:
      yield
    finally:
      self._now = ('', time.monotonic())

  def look(self) -> tuple[str, float]:
    """Returns what is done now, and for how many seconds."""
    what, start = self._now
    return what, time.monotonic() - start

  @contextlib.contextmanager
  def told(self, recorder: Listener, source: str) -> Iterator[None]:
    """Tells the recorder of it every few seconds, in a thread of its own."""
    with every(_BEAT_SECONDS, lambda: recorder.note_alive(source, *self.look())):
      yield
    recorder.note_ended(source)

  @contextlib.contextmanager
  def watched(self, limit: float, on_stall: Callable[[str], None]) -> Iterator[None]:
    """Calls a function with a line, once each time that it stands still.

    Args:
      limit: the seconds after which it does.
      on_stall: called in a thread of its own.
    """
    was_still = False

    def watch() -> None:
      nonlocal was_still
      what, seconds = self.look()
      is_still = seconds >= limit
      if is_still and not was_still:
        doing = f'it has been {what}' if what else 'it acts, learns or waits for replay'
        on_stall(f'the run has got no further for {seconds:.0f} s: {doing}')
      was_still = is_still

    with every(_WATCH_SECONDS, watch):
      yield


@contextlib.contextmanager
def every(seconds: float, function: Callable[[], None]) -> Iterator[None]:
  """Calls a function now and then, in a thread of its own."""
  ended = threading.Event()

  def call() -> None:
    while not ended.wait(seconds):
      function()

  thread = threading.Thread(target=call, daemon=True)
  thread.start()
  try:
    yield
  finally:
    ended.set()
  thread.join()
