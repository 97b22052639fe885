"""The policy of the best evaluation so far, kept beside the newest checkpoints.

It holds the very variables that the evaluator has acted by, and nothing else of the
learner: a run never goes on from it. The recorder writes it, as it writes all records,
so that an evaluator needs no more than a connection.
"""

import pathlib
import tempfile
from collections.abc import Mapping

import tensorflow as tf

from qmle_acme.errors import UserError
from qmle_acme.runs import variable_files
from qmle_acme.runs.checkpoint_store import CheckpointStore, Stored
from qmle_acme.runs.run_folder import RunFolder

# Among the counts of the checkpoint.
_RETURN = 'episode_return_mean'


def store(folder: RunFolder) -> CheckpointStore:
  """Returns where a run's best checkpoint is, and the one that was the best before."""
  return CheckpointStore(folder.best_checkpoints)


def pack(parts: Mapping[str, tf.Module]) -> dict[str, bytes]:
  """Returns the files of a checkpoint of an actor's parts, by name."""
  with tempfile.TemporaryDirectory() as name:
    folder = pathlib.Path(name)
    variable_files.write(tf.train.Checkpoint(**parts), folder)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def keep(
  folder: RunFolder,
  counts: Mapping[str, float],
  episode_return_mean: float,
  files: Mapping[str, bytes],
) -> None:
  """Keeps the files of `pack`.

  Args:
    folder: of the run.
    counts: when the variables were fetched.
    episode_return_mean: what they have reached.
    files: by name.

  Raises:
    OSError: they cannot be written; what was the best before still is.
  """
  where = store(folder)
  where.clear_aside()
  try:
    for name, data in files.items():
      (where.aside / name).write_bytes(data)
    number = max(where.numbers(), default=0) + 1
    where.keep(where.aside, number, {**counts, _RETURN: episode_return_mean})
  except OSError:
    where.clear_aside()
    raise


def read_return(folder: RunFolder) -> float | None:
  """Returns the mean return of the best checkpoint, if there is one that is whole."""
  stored = next(store(folder).whole(), None)
  return None if stored is None else stored.counts[_RETURN]


def find(folder: RunFolder) -> Stored:
  """Returns the best checkpoint.

  Raises:
    UserError: the run has none, or all are damaged.
  """
  stored = next(store(folder).whole(), None)
  if stored is None:
    damages = store(folder).damages()
    raise UserError(
      f'no best checkpoint is whole: {"; ".join(damages)}'
      if damages
      else f'{folder.path} has no best checkpoint: no evaluation has kept one yet, or '
      'it was removed; the newest checkpoint is taken without best'
    )
  return stored
