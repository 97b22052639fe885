"""Counts that come from many processes, each of which may die and be started again."""

import threading
import time

from acme.utils import counting


class Counter(counting.Counter):
  """Acme's counter, whose sources report totals: a call may be repeated, or lost."""

  def __init__(self) -> None:
    super().__init__()
    self._lock_reports = threading.Lock()
    self._reported: dict[str, int] = {}
    # When the total of each source last grew, or was first reported.
    self._grown: dict[str, float] = {}

  def report(self, source: str, name: str, total: int) -> dict[str, float]:
    """Counts what a source has done since its last report, and returns all counts.

    Courier repeats a call whose answer was lost, which here does no harm.

    Args:
      source: of the report, for example 'actor/0'.
      name: of what is counted, for example 'actor_steps'.
      total: that the source has counted, in all of its processes.
    """
    with self._lock_reports:
      new = total - self._reported.get(source, 0)
      if new > 0 or source not in self._grown:
        self._grown[source] = time.monotonic()
      if new > 0:
        self._reported[source] = total
        self.increment(**{name: new})
    return self.get_counts()

  def reported(self, source: str) -> int:
    """Returns the last total of a source, from which its next process goes on."""
    return self._reported.get(source, 0)

  def idle(self, source: str) -> float | None:
    """Returns the seconds since the total of a source grew; None if it has none."""
    grown = self._grown.get(source)
    return None if grown is None else time.monotonic() - grown
