"""Memory, disk and open files, against what a run needs."""

import dataclasses
import pathlib
import resource
import tempfile

import psutil

from qmle_acme.doctor.findings import Finding, Level, judge
from qmle_acme.runs import disk, memory

_GIB = 2**30
# For the processes of the smallest distributed run, five of some 400 MB each.
_LEAST_MEMORY = 2 * _GIB
# The learner had 50 open with 6 actors, replay 38; in one process all add up.
_FILES, _FILES_PER_ACTOR = 256, 32


@dataclasses.dataclass(frozen=True)
class Need:
  """What is asked of the machine: by default by the smallest run."""

  folder: pathlib.Path = pathlib.Path()
  """Of the run."""
  actors: int = 2
  replay_bytes: int | None = None
  """Of replay when it is full; None if no run is known."""
  disk_bytes: int = disk.needed(0, 0, 0)
  """Of checkpoints and records."""


def memory_for(need: Need) -> Finding:
  """Checks the memory of this machine, or of the container, against the need."""
  has, free = memory.available(), psutil.virtual_memory().available
  text = f'{has / _GIB:.1f} GiB, {min(free, has) / _GIB:.1f} of it free'
  if need.replay_bytes is None:
    advice = 'a distributed run needs 2 GiB beside its replay'
    return judge('memory', text, Level.BAD, has >= _LEAST_MEMORY, advice)
  text = f'{text}; replay needs {need.replay_bytes / _GIB:.2f} when it is full'
  if need.replay_bytes > has:
    return Finding('memory', text, Level.BAD, 'lower replay_size of the agent')
  is_well = need.replay_bytes + _LEAST_MEMORY <= free
  advice = 'it would be tight: end what else runs here, or lower replay_size'
  return judge('memory', text, Level.WARNING, is_well, advice)


def disk_for(need: Need) -> Finding:
  """Checks the disk on which the run folder lies, or will."""
  there = disk.place_of(need.folder)
  if not _can_write(there):
    advice = 'name a folder of your own by --run'
    return Finding('disk', f'no writing in {there}', Level.BAD, advice)
  text, shortage = disk.judge(there, need.disk_bytes)
  return judge('disk', text, Level.WARNING, shortage is None, shortage or '')


def _can_write(folder: pathlib.Path) -> bool:
  """Returns whether a file can be made there: of /proc permissions do not tell."""
  try:
    with tempfile.TemporaryFile(dir=folder):
      return True
  except OSError:
    return False


def open_files_for(need: Need) -> Finding:
  """Checks how many files and connections a process may have open."""
  limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
  wanted = _FILES + _FILES_PER_ACTOR * need.actors
  is_well = limit == resource.RLIM_INFINITY or limit >= wanted
  text = f'{limit:,} a process; {need.actors} actors need up to {wanted:,}'
  return judge('open files', text, Level.BAD, is_well, f'ulimit -n {wanted}')
