"""Whether this machine has the memory that actors and a full replay take."""

import math
import pathlib

import psutil

from qmle_acme.errors import UserError

# What the server holds of a row beside its data (docs/performance.md), and what the
# cache of best actions does.
_BYTES_BESIDE_ROW = 900
_CGROUP_LIMIT = pathlib.Path('/sys/fs/cgroup/memory.max')
# Of the machine's memory, what a suggestion leaves to everything else.
_SHARE_FOR_REPLAY = 0.75
# What an actor takes at least as a process of its own (docs/performance.md has 141 MB).
_BYTES_OF_ACTOR = 100 * 2**20
_GIB = 2**30


def needed(row_bytes: int, replay_size: int, steps: int) -> int:
  """Returns the bytes that replay takes at the end of a run.

  Args:
    row_bytes: the data of one transition.
    replay_size: transitions that replay holds.
    steps: environment steps of the run, each of which adds one.
  """
  return min(replay_size, steps) * (row_bytes + _BYTES_BESIDE_ROW)


def available() -> int:
  """Returns the bytes of memory of this machine, or of the container."""
  total = psutil.virtual_memory().total
  limit = _CGROUP_LIMIT.read_text().strip() if _CGROUP_LIMIT.exists() else 'max'
  return total if limit == 'max' else min(total, int(limit))


def check_actors(actors: int) -> None:
  """Checks that actors that are processes of this machine have a place in its memory.

  Raises:
    UserError: they have not; the message says how many have.
  """
  fits = available() // _BYTES_OF_ACTOR
  if actors > fits:
    raise UserError(
      f'actors is {actors:,}: each takes a process of {_BYTES_OF_ACTOR / _GIB:.1f} GiB '
      f'or more, and this machine has {available() / _GIB:,.1f}; {fits:,} fit at most'
    )


def describe(row_bytes: int, replay_size: int, steps: int, option: str) -> str:
  """Returns what replay needs, in words.

  Args:
    row_bytes: the data of one transition.
    replay_size: transitions that replay holds.
    steps: environment steps of the run.
    option: that sets the replay size, for errors.

  Raises:
    UserError: the machine has less; the message says which replay size fits.
  """
  need, has = needed(row_bytes, replay_size, steps), available()
  if need > has:
    fits = int(_SHARE_FOR_REPLAY * has) // (row_bytes + _BYTES_BESIDE_ROW)
    raise UserError(
      f'{option} is {replay_size:,}: replay needs {need / _GIB:,.1f} GiB for the '
      f'{min(replay_size, steps):,} transitions of this run, and this machine has '
      f'{has / _GIB:,.1f}; {fits:,} fit'
    )
  return f'replay needs {math.ceil(need / 2**20):,} MiB when it is full'
