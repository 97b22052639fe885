"""How much of a disk the checkpoints of a run take, and whether it has that free."""

import pathlib
import shutil

# What a checkpoint holds of a transition beside its data: Reverb's record of it, and
# its best known action (docs/performance.md).
_BYTES_BESIDE_ROW = 150
# Of replay's checkpoints there are three for a moment (docs/architecture.md).
_CHECKPOINTS = 3
# Networks, records and logs of any run.
_OTHERS = 256 * 2**20
_GIB = 2**30


def needed(row_bytes: int, replay_size: int, steps: int) -> int:
  """Returns the bytes that a run takes on disk when it ends.

  Args:
    row_bytes: the data of one transition.
    replay_size: transitions that replay holds.
    steps: environment steps of the run, each of which adds one.
  """
  of_replay = min(replay_size, steps) * (row_bytes + _BYTES_BESIDE_ROW)
  return _CHECKPOINTS * of_replay + _OTHERS


def place_of(folder: pathlib.Path) -> pathlib.Path:
  """Returns the folder, or of those above it the nearest that is there already."""
  folder = folder.resolve()
  return next(path for path in (folder, *folder.parents) if path.exists())


def judge(folder: pathlib.Path, need: int) -> tuple[str, str | None]:
  """Returns what is free on the disk of a folder, and what to do if that is too little.

  Args:
    folder: of the run; it may be still to be made.
    need: bytes that the run takes.
  """
  there = place_of(folder)
  free = shutil.disk_usage(there).free
  advice = f'checkpoints and records may take up to {need / _GIB:.1f} GiB: make room'
  return f'{free / _GIB:.1f} GiB free in {there}', None if free >= need else advice
