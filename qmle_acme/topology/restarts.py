"""How often what has died is started again."""

import collections
import time

_FIRST_DELAY_SECONDS = 0.5
_LONGEST_DELAY_SECONDS = 30.0


class Restarts:
  """Grants each name so many restarts within a window, each later than the last."""

  def __init__(self, limit: int, window_seconds: float):
    self._limit = limit
    self._window_seconds = window_seconds
    self._granted: collections.defaultdict[str, list[float]] = collections.defaultdict(
      list
    )

  def grant(self, name: str) -> float | None:
    """Returns in how many seconds to start it again; None if that was too often."""
    now = time.monotonic()
    recent = [t for t in self._granted[name] if now - t < self._window_seconds]
    self._granted[name] = recent
    if len(recent) >= self._limit:
      return None
    recent.append(now)
    return min(_FIRST_DELAY_SECONDS * 2 ** (len(recent) - 1), _LONGEST_DELAY_SECONDS)
