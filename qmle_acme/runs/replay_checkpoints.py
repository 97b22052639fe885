"""Checkpoints of replay, which Reverb writes and reads.

Reverb names the folder of a checkpoint itself, and keeps only the newest of those where
it writes. So it writes aside, and each is moved from there to a number of ours. It
reads the one that it is told of when there is none where it writes.
"""

import os
import pathlib
import shutil
from collections.abc import Iterator, Mapping

import reverb
import tensorflow as tf
from absl import logging
from reverb.cc.checkpointing import checkpoint_pb2
from reverb.platform.checkpointers_lib import DefaultCheckpointer

from qmle_acme.errors import UserError
from qmle_acme.runs.checkpoint_store import (
  CheckpointStore,
  Stored,
  lasting_plain_name,
  plain_name,
)
from qmle_acme.runs.run_folder import RunFolder

# How the tables were set up, one record each.
_TABLES = 'tables.tfrecord'
_COMPRESSION = 'ZLIB'
# What of a table's rate limiter is a setting; the rest are counts.
_LIMITS = ('samples_per_insert', 'min_diff', 'max_diff', 'min_size_to_sample')

# How long replay may take to say that it is there.
_ANSWER_SECONDS = 5


def store(folder: RunFolder) -> CheckpointStore:
  """Returns where the checkpoints of a run's replay are."""
  return CheckpointStore(folder.replay_checkpoints)


def make_checkpointer(folder: RunFolder, table: reverb.Table) -> DefaultCheckpointer:
  """Returns what the replay server saves by, and goes on from; for one server only.

  Args:
    folder: of the run.
    table: the only one of the server. Reverb would take the rate limiter of the
      checkpoint instead, which is another after a change of layout or of actors.
  """
  where = store(folder)
  where.clear_aside()
  newest = _to_resume(folder)
  path = None if newest is None else _lasting_name(_with_limits(newest, table, where))
  return DefaultCheckpointer(_lasting_name(where.aside), fallback_checkpoint_path=path)


def save(
  folder: RunFolder, replay: reverb.Client, number: int, counts: Mapping[str, float]
) -> None:
  """Saves replay.

  Raises:
    Exception: of some kind that Reverb chooses; nothing has changed then.
  """
  where = store(folder)
  replay.server_info(timeout=_ANSWER_SECONDS)  # Or the next call would wait for ever.
  try:
    name = pathlib.PurePath(replay.checkpoint()).name
    where.keep(where.aside / name, number, counts)
  finally:
    for rest in where.aside.iterdir():
      shutil.rmtree(rest)
    shutil.rmtree(_resumed(where), ignore_errors=True)


def check(folder: RunFolder) -> None:
  """Checks that replay can go on, if it was ever saved.

  Raises:
    UserError: what was saved is damaged, all of it.
  """
  where = store(folder)
  if where.numbers() and _to_resume(folder) is None:
    raise UserError(
      f'no checkpoint of replay is whole: {"; ".join(where.damages())}; put it back, '
      f'or delete {where.path} to go on with an empty replay'
    )


def _to_resume(folder: RunFolder) -> Stored | None:
  """Returns the newest whole checkpoint of replay that is not ahead of the learner's.

  If all are ahead, it is the newest of them.
  """
  learner = next(CheckpointStore(folder.learner_checkpoints).whole(), None)
  whole: Iterator[Stored] = store(folder).whole()
  newest = None
  for stored in whole:
    if learner is None or stored.number <= learner.number:
      return stored
    newest = newest or stored
  return newest


def _with_limits(
  stored: Stored, table: reverb.Table, where: CheckpointStore
) -> pathlib.Path:
  """Returns a checkpoint with the limits of a table: the given one, if it has them."""
  saved = _read_table(stored)
  limits = table.info.rate_limiter_info
  if all(getattr(saved.rate_limiter, n) == getattr(limits, n) for n in _LIMITS):
    return stored.path
  for limit in _LIMITS:
    setattr(saved.rate_limiter, limit, getattr(limits, limit))
  logging.info('the rate limiter of replay is set anew: %s', saved.rate_limiter)
  copy = _resumed(where)
  shutil.rmtree(copy, ignore_errors=True)
  copy.mkdir()
  for path in stored.path.iterdir():
    if path.name != _TABLES:
      (copy / path.name).symlink_to(path)
  with (
    plain_name(copy) as name,
    tf.io.TFRecordWriter(f'{name}/{_TABLES}', _COMPRESSION) as writer,
  ):
    writer.write(saved.SerializeToString())
  return copy


def _read_table(stored: Stored) -> checkpoint_pb2.PriorityTableCheckpoint:
  """Returns how the table of a checkpoint was set up, and what it had counted."""
  with plain_name(stored.path) as name:
    records = tf.data.TFRecordDataset(f'{name}/{_TABLES}', _COMPRESSION)
    (record,) = records.as_numpy_iterator()
  return checkpoint_pb2.PriorityTableCheckpoint.FromString(record)


def _resumed(where: CheckpointStore) -> pathlib.Path:
  """Returns the folder of a checkpoint with other limits, until the next is saved."""
  return where.path / 'resumed'


def _lasting_name(folder: pathlib.Path) -> str:
  """Returns a name for Reverb, which uses it as long as its server lives."""
  return lasting_plain_name(os.open(folder, os.O_PATH | os.O_DIRECTORY))
