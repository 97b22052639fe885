"""Records of training episodes, thinned by time."""

import collections
import time
from collections.abc import Mapping

_PERIOD_SECONDS = 1.0


class EpisodeMeans:
  """Joins the episodes that end within a second into one record: their means.

  Episodes that last longer have a record each. Of shorter ones there may be a thousand
  a second, which nobody reads one by one, and which would fill the disk in days.
  """

  def __init__(self) -> None:
    self._last = -_PERIOD_SECONDS
    self._values: collections.defaultdict[str, list[float]] = collections.defaultdict(
      list
    )
    self._episodes = 0

  def add(self, episode: Mapping[str, float]) -> dict[str, float] | None:
    """Takes an episode; returns a record when it is time for one."""
    self._episodes += 1
    for name, value in episode.items():
      self._values[name].append(value)
    if time.monotonic() - self._last < _PERIOD_SECONDS:
      return None
    return self.flush()

  def flush(self) -> dict[str, float] | None:
    """Returns the record of the episodes since the last one, if there are any."""
    if not self._episodes:
      return None
    self._last = time.monotonic()
    means = {name: sum(values) / len(values) for name, values in self._values.items()}
    record = means | {'episodes': self._episodes}
    self._values.clear()
    self._episodes = 0
    return record
