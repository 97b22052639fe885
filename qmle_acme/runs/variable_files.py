"""The variables of a checkpoint, as files of TensorFlow's in its folder."""

import logging
import pathlib
import re
from typing import Any

import tensorflow as tf

from qmle_acme.errors import UserError
from qmle_acme.runs.checkpoint_store import Stored, plain_name

# Of the files in the checkpoint of a learner, and of parts of it.
_PREFIX = 'learner'
# How TensorFlow names a variable in its errors.
_VARIABLE = re.compile(r"<tf\.Variable '([^']+)' shape=(\([^)]*\))")

# How TensorFlow begins to tell of variables that were not restored, when what was to
# hold them is deleted: some line for each.
_UNRESTORED = ('Detecting that an object', 'Value in checkpoint', 'An attribute in the')

# So many of the variables that a checkpoint lacks are named.
_NAMED = 3


def write(checkpoint: tf.train.Checkpoint, folder: pathlib.Path) -> None:
  """Writes all variables of what a checkpoint holds."""
  with plain_name(folder) as name:
    checkpoint.write(f'{name}/{_PREFIX}')


def read(stored: Stored, checkpoint: tf.train.Checkpoint) -> None:
  """Restores all variables of some of what a checkpoint holds.

  Raises:
    UserError: it lacks one, or has another in its place.
  """
  try:
    with plain_name(stored.path) as folder:
      status: Any = checkpoint.read(f'{folder}/{_PREFIX}')
      status.assert_existing_objects_matched()
      status.expect_partial()
  except (AssertionError, ValueError, LookupError, tf.errors.OpError) as error:
    tf.get_logger().addFilter(_is_news)
    found = _VARIABLE.findall(str(error))
    names = [f'{name.removesuffix(":0")} {shape}' for name, shape in found]
    more = f' and {len(names) - _NAMED} others' if len(names) > _NAMED else ''
    lacks = f'it lacks {", ".join(names[:_NAMED])}{more}'
    what = lacks if names else ' '.join(str(error).split())
    raise UserError(
      f'{stored.path} is no checkpoint of such an agent: {what}; were the settings in '
      'config.yaml changed?'
    ) from error


def _is_news(record: logging.LogRecord) -> bool:
  """Returns whether a record of TensorFlow's is not what was said in one line here."""
  return not str(record.msg).startswith(_UNRESTORED)
