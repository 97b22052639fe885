"""Batches for a learner, from a dataset whose threads must not outlive their server."""

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import tensorflow as tf

_POLL_SECONDS = 0.5
# Longer than a batch takes to come where replay has the samples for it.
_SOON_SECONDS = 0.05


class Batches:
  """Iterates over a dataset until it is closed.

  The threads of a dataset wait for their replay server. They have to end before that
  does, or whoever frees the dataset later, as the garbage collector, waits for ever.
  """

  def __init__(self, dataset: tf.data.Dataset):
    """Initialises.

    Args:
      dataset: endless.
    """
    self._iterator: Iterator[Any] = iter(dataset)

  def __iter__(self) -> 'Batches':
    return self

  def __next__(self) -> Any:
    """Returns the next batch; after `close` there is none."""
    return next(self._iterator)

  def close(self) -> None:
    """Ends the threads of the dataset."""
    self._iterator = iter(())


class BatchQueue:
  """Iterates over a dataset that may block for ever, without blocking for ever.

  A daemon thread waits in the dataset; a main thread that waited there would be in C++
  and never see a signal. It takes a batch when one is asked for, not ahead of that: the
  sooner a batch is drawn, the older are its transitions and priorities.
  """

  def __init__(self, dataset: tf.data.Dataset, check: Callable[[], None]):
    """Initialises.

    Args:
      dataset: endless.
      check: called now and then while no batch comes; leaves by an exception.
    """
    self._dataset = dataset
    self._check = check
    self._queue: queue.Queue[Any] = queue.Queue(maxsize=1)
    self._thread: threading.Thread | None = None
    self._wanted = threading.Semaphore(0)
    # Whether one is wanted that has not been taken, as after `check` has raised.
    self._is_awaited = False

  def __iter__(self) -> 'BatchQueue':
    return self

  def __next__(self) -> Any:
    """Returns the next batch; raises what `check` or the dataset raises."""
    while (batch := self._take(_POLL_SECONDS)) is None:
      self._check()
    return batch

  def poll(self) -> Any | None:
    """Returns the next batch, or None if replay has none soon; raises as the dataset.

    The batch after it, or what then comes later, is asked for: who takes batches before
    they are needed should not wait for each.
    """
    batch = self._take(_SOON_SECONDS)
    self._ask()
    return batch

  def _take(self, seconds: float) -> Any | None:
    """Asks for a batch and waits for it."""
    self._ask()
    try:
      item = self._queue.get(timeout=seconds)
    except queue.Empty:
      return None
    self._is_awaited = False
    if isinstance(item, Exception):
      raise item
    return item

  def _ask(self) -> None:
    """Has the next batch drawn, if it is not under way."""
    if self._thread is None:
      self._thread = threading.Thread(target=self._fill, daemon=True)
      self._thread.start()
    if not self._is_awaited:
      self._is_awaited = True
      self._wanted.release()

  def _fill(self) -> None:
    try:
      batches = iter(self._dataset)
      while True:
        self._wanted.acquire()
        self._queue.put(next(batches))
    except Exception as error:
      self._queue.put(error)
