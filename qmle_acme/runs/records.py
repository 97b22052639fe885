"""The records of a run, for those who read them; `recording` writes them."""

import pathlib
from collections.abc import Mapping
from typing import Any

from qmle_acme.errors import unreadable
from qmle_acme.files import parse_json

ACTOR_STEPS = 'actor_steps'
LEARNER_STEPS = 'learner_steps'
WALL_SECONDS = 'wall_seconds'
# The actor steps of the newest checkpoint, in a snapshot.
SAVED_STEPS = 'saved_steps'
# What goes wrong without ending the run, if anything does, in a snapshot.
WARNING = 'warning'
# What each node is doing, by its title, in a snapshot.
NODES = 'nodes'
# The counts that stamp every record and are saved; others live as long as the recorder.
STAMPS = (ACTOR_STEPS, LEARNER_STEPS, WALL_SECONDS)


def numbers_of(record: Mapping[str, Any]) -> dict[str, float]:
  """Returns what is a number in a record, by the names that curves have."""
  kind = record.get('source', 'evaluation')
  return {
    f'{kind}/{name}': value
    for name, value in record.items()
    if isinstance(value, int | float) and name != ACTOR_STEPS
  }


def read_records(path: pathlib.Path, *needed: str) -> list[dict[str, Any]]:
  """Returns the whole lines of a file of records; a line cut short is left out.

  Args:
    path: of the file.
    needed: what every record must hold.

  Raises:
    UserError: the file cannot be read, or a whole line is no record, or lacks what is
      needed.
  """
  try:
    lines = path.read_bytes().split(b'\n')[:-1]
  except FileNotFoundError:
    return []
  except OSError as error:
    raise unreadable(path, error) from error
  return [
    parse_json(line, f'{path}, line {i + 1}', needed) for i, line in enumerate(lines)
  ]


def read_metrics(path: pathlib.Path, source: str) -> list[dict[str, Any]]:
  """Returns the training metrics of a learner or an actor.

  Raises:
    UserError: they are damaged.
  """
  records = read_records(path, 'source', ACTOR_STEPS)
  return [record for record in records if record['source'] == source]
