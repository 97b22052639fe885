"""A learner's batches from a dataset that may block."""

import queue
import threading
from collections.abc import Iterator

import numpy as np
import pytest
import reverb
import tensorflow as tf

from qmle_acme import replay
from qmle_acme.runs.batches import Batches, BatchQueue


class Over(Exception):
  """What the check leaves by."""


def never() -> None:
  raise AssertionError('there was something to wait for')


def test_batches_come_in_order() -> None:
  batches = BatchQueue(tf.data.Dataset.range(6).batch(2), never)

  taken = [next(batches).numpy().tolist() for _ in range(3)]

  assert taken == [[0, 1], [2, 3], [4, 5]]
  assert iter(batches) is batches


def test_checks_while_no_batch_comes_and_goes_on_when_one_does() -> None:
  go_on = threading.Event()

  def generate() -> Iterator[np.int64]:
    yield np.int64(1)
    go_on.wait()
    yield np.int64(2)

  dataset = tf.data.Dataset.from_generator(
    generate, output_signature=tf.TensorSpec([], tf.int64)
  )
  checks = 0

  def check() -> None:
    nonlocal checks
    checks += 1
    if checks == 1:
      raise Over
    go_on.set()

  batches = BatchQueue(dataset, check)
  assert next(batches) == 1
  with pytest.raises(Over):
    next(batches)
  assert next(batches) == 2
  assert checks >= 2


def test_a_batch_is_drawn_when_it_is_wanted_and_not_before() -> None:
  drawn: queue.Queue[int] = queue.Queue()

  def generate() -> Iterator[np.int64]:
    for number in range(9):
      drawn.put(number)
      yield np.int64(number)

  dataset = tf.data.Dataset.from_generator(
    generate, output_signature=tf.TensorSpec([], tf.int64)
  )
  options = tf.data.Options()
  options.autotune.enabled = False  # Else the dataset itself would draw ahead.
  batches = BatchQueue(dataset.with_options(options), never)
  for number in range(3):
    with pytest.raises(queue.Empty):
      drawn.get(timeout=0.3)
    assert next(batches) == number
    assert drawn.get() == number


def test_no_batch_is_drawn_ahead_after_a_check_has_raised() -> None:
  drawn: queue.Queue[int] = queue.Queue()
  go_on = threading.Event()

  def generate() -> Iterator[np.int64]:
    for number in range(9):
      go_on.wait()
      drawn.put(number)
      yield np.int64(number)

  def leave() -> None:
    raise Over

  dataset = tf.data.Dataset.from_generator(
    generate, output_signature=tf.TensorSpec([], tf.int64)
  )
  options = tf.data.Options()
  options.autotune.enabled = False
  batches = BatchQueue(dataset.with_options(options), leave)
  for _ in range(2):
    with pytest.raises(Over):
      next(batches)
  go_on.set()
  assert drawn.get(timeout=9.0) == 0
  assert next(batches) == 0
  with pytest.raises(queue.Empty):
    drawn.get(timeout=0.3)


def test_poll_returns_without_a_batch_and_has_one_drawn_ahead() -> None:
  go_on = threading.Event()
  drawn: queue.Queue[int] = queue.Queue()

  def generate() -> Iterator[int]:
    for number in range(9):
      go_on.wait()
      drawn.put(number)
      yield number

  batches = BatchQueue(generate(), never)
  assert batches.poll() is None
  go_on.set()
  assert next(batches) == drawn.get(timeout=9.0) == 0
  with pytest.raises(queue.Empty):
    drawn.get(timeout=0.3)
  while (batch := batches.poll()) is None:
    pass
  assert batch == drawn.get(timeout=9.0) == 1
  assert drawn.get(timeout=9.0) == 2  # The one after it, which nobody has taken.
  with pytest.raises(queue.Empty):
    drawn.get(timeout=0.3)
  assert next(batches) == 2


def test_error_of_the_dataset_is_raised_after_what_came_before_it() -> None:
  dataset = tf.data.Dataset.range(4).map(
    lambda x: tf.debugging.check_numerics(1.0 / tf.cast(2 - x, tf.float32), 'bad')
  )
  batches = BatchQueue(dataset, never)

  assert [float(next(batches)) for _ in range(2)] == [0.5, 1.0]
  with pytest.raises(tf.errors.InvalidArgumentError, match='bad'):
    next(batches)


def test_closed_batches_leave_no_thread_at_a_server_that_is_gone() -> None:
  row = replay.RowFormat(3, 2)
  table = replay.make_table(row, 100, 0.6, reverb.rate_limiters.MinSize(1))
  server = reverb.Server([table], port=None)  # Nothing in it: who samples waits.
  batches = Batches(replay.make_dataset(f'localhost:{server.port}', row, 4))
  batches.close()
  with pytest.raises(StopIteration):
    next(batches)
  server.stop()
