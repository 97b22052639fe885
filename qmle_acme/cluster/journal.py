"""What each node says about itself, in a file of its own in the run folder.

The nodes share nothing but that folder and the program's connections. A node writes its
own file, reads those of others, and so learns who has saved, who has died, and who
still is of an earlier generation.

A run has a new generation whenever learner, counter or replay has died: all nodes go
back to the newest checkpoint together, but for replay, which may know more. Actors and
the evaluator die alone.
"""

import contextlib
import json
import os
import pathlib
import time
from typing import Any

from qmle_acme.cluster.places import Place
from qmle_acme.errors import UserError
from qmle_acme.files import read_json, write_atomically
from qmle_acme.runs.run_folder import RunFolder

# Without these the others cannot go on from where they are.
_LASTING = ('counter', 'learner', 'replay')
# Nodes that die more often than that, within that time, end the run.
MAX_DEATHS = 5
WINDOW_SECONDS = 600.0
# A node that runs shows it more often than that.
ALIVE_SECONDS = 20.0
# In the container of a node, for its health check.
ALIVE = pathlib.Path('/tmp/qmle.alive')

RUNNING = 'running'  # Or dead without having said so.
RETURNED = 'returned'  # Nothing left to do, until the run is over.
STOPPED = 'stopped'  # Ended in order: by a signal, or with the run.
FAILED = 'failed'  # To be started again.
GAVE_UP = 'gave up'  # Not to be started again: the run has failed.


class Journal:
  """The file of one node.

  Attributes:
    generation: of this life of the node; 0 before it has begun.
  """

  def __init__(self, folder: RunFolder, place: Place):
    self._place = place
    self._nodes = folder.path / 'nodes'
    self._path = self._nodes / f'{place.name}.json'
    self.generation = 0

  def begin(self) -> bool:
    """Notes a start; returns whether the node has not died too often for it.

    One that others cannot do without begins a new generation if it has died in the
    present one.
    """
    self._nodes.mkdir(parents=True, exist_ok=True)
    last, now = self.read(), time.time()
    has_died = last.get('state') in (RUNNING, FAILED)
    deaths = [t for t in last.get('deaths', []) if now - t < WINDOW_SECONDS]
    deaths += [now] if has_died else []
    self.generation = self.newest_generation()
    died_now = has_died and last.get('generation') == self.generation
    if died_now and self._place.role in _LASTING:
      self.generation += 1
      write_atomically(self._nodes / 'generation', str(self.generation))
    died_too_often = len(deaths) > MAX_DEATHS
    self._write(
      RUNNING,
      generation=self.generation,
      deaths=[] if died_too_often else deaths,
      restarts=last.get('restarts', 0) + has_died,
      error=last.get('error') if last.get('state') == FAILED else None,
    )
    return not died_too_often

  def end(self, state: str, error: str | None = None, **values: Any) -> None:
    """Notes how the node has ended, or that it has returned."""
    self._write(state, error=error, **values)

  def adopt(self, generation: int) -> None:
    """Goes on in another generation."""
    self.generation = generation
    self._write(RUNNING, generation=generation)

  def beat(self) -> None:
    """Shows the others, and the image's health check, that the node is alive."""
    with contextlib.suppress(OSError):
      os.utime(self._path)
      ALIVE.touch()

  def read(self) -> dict[str, Any]:
    """Returns what the node has said last; nothing if it never has."""
    with contextlib.suppress(UserError):
      return read_json(self._path)
    return {}

  def is_alive(self) -> bool:
    """Returns whether the node runs, as far as this file tells."""
    return self.read().get('state') == RUNNING and self.silence() < ALIVE_SECONDS

  def silence(self) -> float:
    """Returns the seconds since the node was last alive; infinity if it never was."""
    try:
      return time.time() - self._path.stat().st_mtime
    except OSError:
      return float('inf')

  def newest_generation(self) -> int:
    """Returns the run's newest generation; they count from 1."""
    with contextlib.suppress(OSError, ValueError):
      return int((self._nodes / 'generation').read_text())
    return 1

  def _write(self, state: str, **values: Any) -> None:
    record = self.read() | {'state': state, 'at': time.time()} | values
    write_atomically(self._path, json.dumps(record) + '\n')
