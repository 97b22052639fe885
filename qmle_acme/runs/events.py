"""TensorBoard's events, written without TensorFlow's operations.

`tf.summary` runs an operation for each number, which costs the process 0.7 kB for each
record, for ever. An event file is a file of TFRecords, and we write these.
"""

import os
import pathlib
import socket
import time
from collections.abc import Mapping

import tensorflow as tf


class EventFile:
  """Writes scalars to an event file of its own, made with the first of them."""

  def __init__(self, folder: pathlib.Path):
    self._folder = folder
    self._writer: tf.io.TFRecordWriter | None = None

  def add(self, step: int, values: Mapping[str, float]) -> None:
    """Writes some scalars, so that they can be read at once.

    Args:
      step: that they belong to.
      values: by their tags.

    Raises:
      tf.errors.OpError: the disk does not take them.
    """
    if self._writer is None:
      self._writer = self._open()
    value = tf.compat.v1.Summary.Value
    summary = tf.compat.v1.Summary(
      value=[value(tag=tag, simple_value=number) for tag, number in values.items()]
    )
    event = tf.compat.v1.Event(wall_time=time.time(), step=step, summary=summary)
    self._writer.write(event.SerializeToString())
    self._writer.flush()

  def _open(self) -> tf.io.TFRecordWriter:
    self._folder.mkdir(parents=True, exist_ok=True)
    now = time.time()
    name = f'events.out.tfevents.{now:.0f}.{socket.gethostname()}.{os.getpid()}'
    writer = tf.io.TFRecordWriter(str(self._folder / name))
    version = tf.compat.v1.Event(wall_time=now, file_version='brain.Event:2')
    writer.write(version.SerializeToString())
    return writer
