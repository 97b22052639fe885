"""Follows the records in a run folder, in a thread, and sends them on.

All layouts write the same records there. So no service, however slow, holds up the one
that writes them, and what a node leaves behind is sent although the node has died.
"""

import contextlib
import functools
import json
import os
import pathlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

from qmle_acme.errors import described
from qmle_acme.runs.config import RunConfig
from qmle_acme.runs.records import ACTOR_STEPS, numbers_of, read_records
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.tracking import services

_PERIOD_SECONDS = 5.0


def check(config: RunConfig) -> None:
  """Checks that the services of a run can be used.

  Raises:
    UserError: one cannot.
  """
  services.check(config.track)


@contextlib.contextmanager
def following(
  config: RunConfig, folder: RunFolder, say: Callable[[str], None]
) -> Iterator[None]:
  """Sends on what is recorded within; all of it has been sent when this ends.

  Args:
    config: settings of the run.
    folder: of the run, opened.
    say: receives a line where a service fails; it gets no more records then.
  """
  if not config.track:
    yield
    return
  # Before anything is recorded: what is there already was sent by an earlier part.
  tails = [Tail(folder.metrics), Tail(folder.evaluations)]
  ended = threading.Event()
  thread = threading.Thread(target=_follow, args=[config, folder, tails, say, ended])
  thread.start()
  try:
    yield
  finally:
    ended.set()
    thread.join()


class Tail:
  """What is new in a file of records; those that are there at the start are not."""

  def __init__(self, path: pathlib.Path):
    self._path = path
    self._last = max((r[ACTOR_STEPS] for r in read_records(path)), default=-1)
    self._inode, self._offset = -1, 0
    self._known = -1  # Up to this step all was returned from another file.

  def read(self) -> list[dict[str, Any]]:
    """Returns the records since the last time.

    A run that goes back to a checkpoint replaces the file; what has been returned of
    its steps is not returned again.
    """
    try:
      file = self._path.open('rb')
    except FileNotFoundError:
      return []
    with file:
      inode = os.fstat(file.fileno()).st_ino
      is_other = inode != self._inode
      file.seek(0 if is_other else self._offset)
      data = file.read()
      start = 0 if is_other else self._offset
    whole = data[: data.rfind(b'\n') + 1]
    self._inode, self._offset = inode, start + len(whole)
    records = [json.loads(line) for line in whole.splitlines()]
    if is_other:
      self._known = self._last
    records = [r for r in records if r[ACTOR_STEPS] > self._known]
    self._last = max([self._last, *(r[ACTOR_STEPS] for r in records)])
    return records


def _follow(
  config: RunConfig,
  folder: RunFolder,
  tails: list[Tail],
  say: Callable[[str], None],
  ended: threading.Event,
) -> None:
  """Sends on what is recorded until the run has ended."""
  settings = folder.read_settings()
  senders = [
    _Sender(name, functools.partial(services.start, name, folder, settings), say)
    for name in config.track
  ]
  is_over = False
  while not is_over:
    is_over = ended.wait(_PERIOD_SECONDS)
    records = [record for tail in tails for record in tail.read()]
    for sender in senders:
      sender.send(records)
  for sender in senders:
    sender.close()


class _Sender:
  """A service, for as long as it takes records; the run goes on without it."""

  def __init__(
    self,
    name: str,
    start: Callable[[], services.Service],
    say: Callable[[str], None],
  ):
    self._name, self._say = name, say
    self._service: services.Service | None = None
    with self._lost_if_it_fails():
      self._service = start()

  def send(self, records: list[dict[str, Any]]) -> None:
    """Sends on numbers of records."""
    with self._lost_if_it_fails():
      for record in records:
        if self._service:
          self._service.log(int(record[ACTOR_STEPS]), numbers_of(record))

  def close(self) -> None:
    """Has the service send what it has not sent."""
    with self._lost_if_it_fails():
      if self._service:
        self._service.close()

  @contextlib.contextmanager
  def _lost_if_it_fails(self) -> Iterator[None]:
    try:
      yield
    except Exception as error:  # Of many kinds.
      self._say(f'{self._name} takes no more records: {described(error)}')
      self._service = None
