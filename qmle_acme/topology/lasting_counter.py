"""The counter as the learner sees it: its loss costs no checkpoint.

A Courier call to a server that is gone waits for ever, in C++, where no signal is
seen. Here it fails, and the learner goes on by the counts that it knew: what it reports
are totals, so the next report makes good for one that was lost.
"""

import functools
from collections.abc import Mapping
from typing import Any

import courier
from absl import logging

from qmle_acme.topology import plain_calls

# For a machine that is busy; where nobody listens a call fails at once.
_TIMEOUT_SECONDS = 5.0


class LastingCounter:
  """A client of the recorder whose calls come back, whatever has become of it."""

  def __init__(self, client: courier.Client):
    """Waits until the recorder is up.

    Args:
      client: of the recorder, which waits.
    """
    self._counts: dict[str, float] = client.get_counts()
    self._restore = client.restore
    self._client = courier.Client(
      client.address, call_timeout=_TIMEOUT_SECONDS, wait_for_ready=False
    )

  def restore(self, state: Mapping[str, float]) -> None:
    """See `Recorder`; waits for the answer."""
    self._restore(state)
    self._counts = dict(state)

  def get_counts(self) -> dict[str, float]:
    """Returns all counts, as they are or were last known."""
    self._counts = self._call('get_counts') or self._counts
    return self._counts

  def report(self, source: str, name: str, total: int) -> dict[str, float]:
    """See `Recorder`; returns the counts as they are or were last known."""
    self._counts = self._call('report', source, name, total) or self._counts
    return self._counts

  def reported(self, source: str) -> int:
    """See `Recorder`; 0 without an answer."""
    return self._call('reported', source) or 0

  def __getattr__(self, name: str) -> Any:
    """Returns a method of the recorder that returns None if it cannot be called."""
    return functools.partial(self._call, name)

  def _call(self, method: str, *arguments: Any, **named: Any) -> Any:
    plain_calls.check(method, [arguments, named])
    try:
      return getattr(self._client, method)(*arguments, **named)
    except Exception as error:  # Courier raises many kinds.
      logging.warning('the counter does not take %s: %s', method, error)
      return None
