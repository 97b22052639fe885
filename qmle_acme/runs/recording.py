"""The recorder: counts the run's steps and writes its records.

There is one recorder a run. It is the parent of every Acme counter in it, and the only
one that writes metrics, evaluations and TensorBoard events, so that the other nodes
need nothing but a connection to it.
"""

import contextlib
import pathlib
import threading
import time
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import tensorflow as tf

from qmle_acme.files import (
  append_line,
  is_disk_full,
  to_json,
  write_atomically,
)
from qmle_acme.runs import best_checkpoint, counting, videos
from qmle_acme.runs.activity import Doing
from qmle_acme.runs.episodes import EpisodeMeans
from qmle_acme.runs.events import EventFile
from qmle_acme.runs.records import (
  ACTOR_STEPS,
  NODES,
  SAVED_STEPS,
  STAMPS,
  WALL_SECONDS,
  WARNING,
  numbers_of,
  read_records,
)
from qmle_acme.runs.run_folder import RunFolder

# Training episodes whose returns `snapshot` shows.
_RECENT = 10


class Recorder(counting.Counter):
  """Counts and records; every public method may be called remotely."""

  def __init__(self, path: str):
    """Initialises.

    Args:
      path: of the run folder.
    """
    super().__init__()
    self._folder = RunFolder(pathlib.Path(path))
    self._lock_records = threading.Lock()
    self._start = time.time()
    self._offset = 0.0
    self._resumed_at = 0
    self._saved_steps = 0
    self._warning: str | None = None
    self._recent_returns: list[float] = []
    self._last_evaluation: dict[str, Any] | None = None
    self._best_return = best_checkpoint.read_return(self._folder)
    self._heard: dict[str, tuple[str, float, float]] = {}
    self._episodes = EpisodeMeans()
    self._events = EventFile(self._folder.tensorboard)

  def get_counts(self) -> dict[str, float]:
    """Returns all counts, among them the wall time over all parts of the run."""
    return super().get_counts() | {
      WALL_SECONDS: round(self._offset + time.time() - self._start, 3)
    }

  def restore(self, state: Mapping[str, float]) -> None:
    """Goes back to the counts of a checkpoint, and forgets the records after it.

    TensorBoard's events cannot be taken back: after a kill some steps are there twice.
    """
    counts = dict(state)
    with self._lock_records:
      self._offset = counts.pop(WALL_SECONDS, 0.0)
      self._start = time.time()
      super().restore({'counts': counts, 'cache': {}})
      actor_steps = int(counts.get(ACTOR_STEPS, 0))
      self._resumed_at = self._saved_steps = actor_steps
      _drop_after(self._folder.metrics, actor_steps)
      videos.drop_after(self._folder, actor_steps)
      evaluations = _drop_after(self._folder.evaluations, actor_steps)
      self._last_evaluation = evaluations[-1] if evaluations else None

  def resumed_at(self) -> int:
    """Returns the actor steps at which this part of the run began."""
    return self._resumed_at

  def note_checkpoint(self, actor_steps: int) -> None:
    """Notes that there is a checkpoint of so many actor steps; no warning is left."""
    self._saved_steps = actor_steps
    self._warning = None

  def warn(self, line: str) -> None:
    """Notes what goes wrong without ending the run, for those who watch it."""
    self._warning = line

  def note_alive(self, source: str, what: str, since: float) -> None:
    """Notes that a node lives, and what it has been doing for how many seconds."""
    self._heard[source] = (what, since, time.monotonic())

  def note_ended(self, source: str) -> None:
    """Notes that a node has no more to do."""
    self._heard.pop(source, None)

  def record_metrics(self, source: str, values: Mapping[str, float]) -> None:
    """Writes the training metrics of a learner, or of an actor's episode.

    Of episodes that end within a second only the means are written, with their number.
    """
    record: dict[str, float] | None = dict(values)
    with self._lock_records:
      if 'episode_return' in values:
        recent = [*self._recent_returns, values['episode_return']]
        self._recent_returns = recent[-_RECENT:]
        record = self._episodes.add(values)
      if record:
        self._write(self._folder.metrics, source, self._stamps() | record)

  def record_evaluation(
    self,
    counts: Mapping[str, float],
    episode_returns: list[float],
    means: Mapping[str, float] = MappingProxyType({}),
  ) -> None:
    """Writes an evaluation.

    Args:
      counts: when the evaluated variables were fetched.
      episode_returns: undiscounted, one for each greedy episode.
      means: of what else is known of the episodes, by name.
    """
    record = {name: counts.get(name, 0) for name in STAMPS} | {
      'episode_return_mean': sum(episode_returns) / len(episode_returns),
      'episode_returns': list(episode_returns),
      **means,
    }
    with self._lock_records:
      self._last_evaluation = record
      self._write(self._folder.evaluations, None, record)

  def last_evaluation(self) -> dict[str, Any] | None:
    """Returns the newest evaluation, if there is one."""
    return self._last_evaluation

  def best_return(self) -> float | None:
    """Returns the mean return of the best checkpoint, if there is one."""
    return self._best_return

  def keep_best(
    self,
    counts: Mapping[str, float],
    episode_return_mean: float,
    files: Mapping[str, bytes],
  ) -> None:
    """Keeps what has evaluated best; on a full disk what was the best before stays.

    Args:
      counts: when the variables were fetched.
      episode_return_mean: what they have reached.
      files: of `best_checkpoint.pack`.
    """
    counts = {name: counts.get(name, 0) for name in STAMPS}
    with self._warned('the best policy is not kept', self._folder.path):
      best_checkpoint.keep(self._folder, counts, episode_return_mean, files)
      self._best_return = episode_return_mean

  def last_video(self) -> int:
    """Returns the actor steps of the newest video, -1 without one."""
    return max(videos.find(self._folder), default=-1)

  def keep_video(self, actor_steps: int, data: bytes) -> None:
    """Keeps a video of the policy of so many actor steps; a full disk is a warning."""
    with self._warned('a video is lost', self._folder.videos):
      videos.keep(self._folder, actor_steps, data)

  def snapshot(self) -> dict[str, Any]:
    """Returns how the run stands, for those who watch it."""
    return self.get_counts() | {
      SAVED_STEPS: self._saved_steps,
      WARNING: self._warning,
      'recent_returns': list(self._recent_returns),
      'last_evaluation': self._last_evaluation,
      NODES: {
        source: Doing(what, since, time.monotonic() - heard, self.idle(source))
        for source, (what, since, heard) in sorted(self._heard.copy().items())
      },
    }

  def flush(self) -> None:
    """Writes the episodes that wait for others to be written with."""
    with self._lock_records:
      record = self._episodes.flush()
      if record:
        self._write(self._folder.metrics, 'actor', self._stamps() | record)

  @contextlib.contextmanager
  def _warned(self, loss: str, where: pathlib.Path) -> Iterator[None]:
    """On a full disk goes on with a warning of what is lost."""
    try:
      yield
    except (OSError, tf.errors.ResourceExhaustedError) as error:
      if isinstance(error, OSError) and not is_disk_full(error):
        raise
      self._warning = f'{loss}: no space left in {where}'

  def _stamps(self) -> dict[str, float]:
    counts = self.get_counts()
    return {name: counts.get(name, 0) for name in STAMPS}

  def _write(
    self, path: pathlib.Path, source: str | None, record: dict[str, Any]
  ) -> None:
    """Appends a line to a file of records, and its numbers to TensorBoard's events.

    On a full disk it is lost, and the run goes on with a warning.
    """
    line = record if source is None else {'source': source, **record}
    with self._warned('a record is lost', path.parent):
      append_line(path, to_json(line))
      self._events.add(int(record[ACTOR_STEPS]), numbers_of(line))


def _drop_after(path: pathlib.Path, actor_steps: float) -> list[dict[str, Any]]:
  """Drops the records after a step, and returns those that are left."""
  records = read_records(path, ACTOR_STEPS)
  records = [r for r in records if r[ACTOR_STEPS] <= actor_steps]
  if path.exists():
    write_atomically(path, ''.join(to_json(record) + '\n' for record in records))
  return records
