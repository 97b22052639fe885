"""The learner's variables for many actors: it is asked for them once for all."""

import threading
import time

import acme

from qmle_acme.types import Array

# By how much what actors get may be older than what the learner would give them: two or
# three of its steps, at ten fetches a second (docs/cluster.md).
_MAX_AGE_SECONDS = 0.1


class Publisher:
  """Stands between learner and actors, as one more source of variables."""

  def __init__(self, learner: acme.VariableSource, max_age: float = _MAX_AGE_SECONDS):
    """Takes where the variables come from.

    Args:
      learner: the learner, or a client of it.
      max_age: seconds for which variables are given again.
    """
    self._learner = learner
    self._max_age = max_age
    self._lock = threading.Lock()
    self._kept: dict[tuple[str, ...], tuple[float, list[list[Array]]]] = {}

  def get_variables(self, names: list[str]) -> list[list[Array]]:
    """Returns the learner's variables, as they are or were a moment ago."""
    key = tuple(names)
    with self._lock:  # Who comes while they are fetched gets the same.
      fetched, variables = self._kept.get(key, (float('-inf'), []))
      if time.monotonic() - fetched > self._max_age:
        fetched, variables = time.monotonic(), self._learner.get_variables(names)
        self._kept[key] = fetched, variables
    return variables
