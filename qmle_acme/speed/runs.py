"""Whole training runs by the real command: steps per second, CPU time and memory.

A window is bounded by records of the learner, which come every few seconds with the
run's exact counts; the time between two of them is a piece, and pieces give the spread.
"""

import collections
import contextlib
import itertools
import os
import pathlib
import subprocess
import tempfile
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import psutil

from qmle_acme import processes
from qmle_acme.runs.records import (
  ACTOR_STEPS,
  LEARNER_STEPS,
  WALL_SECONDS,
  read_metrics,
)
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.speed.timing import rounded, spread

# Learning is under way: everything is compiled, and the rate limiter holds its ratio.
_WARM_UP_LEARNER_STEPS = 50
# What would disturb a window is put off until long after it.
_UNDISTURBED = {
  '--evaluation-period': 10**9,
  '--evaluation-episodes': 1,
  '--checkpoint-minutes': 10**6,
}
_POLL_SECONDS = 0.1
_PATIENCE_SECONDS = 600.0
# Longer than all nodes together may take to stop.
_STOP_SECONDS = 90.0


class Mark(NamedTuple):
  """How far a run was at one time, and what each of its nodes had taken by then."""

  record: dict[str, Any]
  cpu_seconds: collections.Counter[str]
  resident_bytes: collections.Counter[str]
  idle_seconds: float


def measure(task: str, layout: str, actors: int, seconds: float) -> dict[str, Any]:
  """Returns the speed of a new run in a window after its warm-up.

  Args:
    task: the environment.
    layout: 'local' or 'distributed'.
    actors: of the distributed layout.
    seconds: length of the window, at least.
  """
  with tempfile.TemporaryDirectory(prefix='qmle-speed-') as path:
    folder = RunFolder(pathlib.Path(path) / 'run')
    options: dict[str, Any] = {
      '--env': task,
      '--layout': layout,
      '--actors': actors,
      **_UNDISTURBED,
    }
    with _training(folder, options) as process:
      marks = _window(process, folder, seconds)
  head: dict[str, Any] = {'task': task, 'layout': layout}
  if layout == 'distributed':
    head['actors'] = actors
  return head | _describe(marks)


@contextlib.contextmanager
def _training(
  folder: RunFolder, options: dict[str, Any]
) -> Iterator[subprocess.Popen[bytes]]:
  """Trains until the end of the block; leaves nothing behind."""
  words = [str(word) for option in options.items() for word in option]
  arguments = ['train', '--run', str(folder.path), *words]
  process = processes.start_qmle(arguments, _output(folder))
  try:
    yield process
  finally:
    _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
  """Ends a run in the orderly way; kills what is left."""
  nodes = _nodes(process) if process.poll() is None else []
  try:
    process.terminate()
    process.wait(_STOP_SECONDS)
  finally:
    for left in nodes:
      with contextlib.suppress(psutil.NoSuchProcess):
        left.kill()


def _nodes(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
  """Returns the command's process, and all that it has started."""
  main = psutil.Process(process.pid)
  return [main, *main.children(recursive=True)]


def _output(folder: RunFolder) -> pathlib.Path:
  """Returns where the command prints: beside the run's folder."""
  return folder.path.with_suffix('.out')


def _window(
  process: subprocess.Popen[bytes], folder: RunFolder, seconds: float
) -> list[Mark]:
  """Returns the marks of a window."""
  marks: list[Mark] = []
  for record in _learner_records(process, folder):
    # The evaluator begins with one evaluation.
    is_warm = record[LEARNER_STEPS] >= _WARM_UP_LEARNER_STEPS
    if is_warm and folder.evaluations.exists():
      marks.append(_mark(process, record))
    if marks and _between(marks[0], marks[-1], WALL_SECONDS) >= seconds:
      break
  return marks


def _learner_records(
  process: subprocess.Popen[bytes], folder: RunFolder
) -> Iterator[dict[str, Any]]:
  """Yields the learner's records as they come.

  Raises:
    RuntimeError: the run is over, or there was none for long.
  """
  seen, deadline = 0, time.monotonic() + _PATIENCE_SECONDS
  while process.poll() is None and time.monotonic() < deadline:
    records = read_metrics(folder.metrics, 'learner')
    for record in records[seen:]:
      yield record
      deadline = time.monotonic() + _PATIENCE_SECONDS
    seen = len(records)
    time.sleep(_POLL_SECONDS)
  printed = _output(folder).read_text()[-2_000:]
  raise RuntimeError(f'the run gave no more records; it printed: {printed}')


def _mark(process: subprocess.Popen[bytes], record: dict[str, Any]) -> Mark:
  cpu: collections.Counter[str] = collections.Counter()
  resident: collections.Counter[str] = collections.Counter()
  for node in _nodes(process):
    # Each node prints to a log of its own, and what they are forked from to none.
    output = os.readlink(f'/proc/{node.pid}/fd/1')
    name = 'nursery' if output == os.devnull else pathlib.Path(output).stem
    times = node.cpu_times()
    cpu[name] += times.user + times.system
    resident[name] += node.memory_info().rss
  return Mark(record, cpu, resident, psutil.cpu_times().idle)


def _describe(marks: list[Mark]) -> dict[str, Any]:
  """Returns what a window has come to."""
  first, last = marks[0], marks[-1]
  pieces = list(itertools.pairwise(marks))
  seconds = _between(first, last, WALL_SECONDS)
  return {
    'seconds': rounded(seconds),
    'from_step': int(first.record[ACTOR_STEPS]),
    'to_step': int(last.record[ACTOR_STEPS]),
    'steps_per_second': rounded(_rate(first, last, ACTOR_STEPS)),
    'steps_per_second_of_pieces': spread([_rate(*p, ACTOR_STEPS) for p in pieces]),
    'learner_steps_per_second': rounded(_rate(first, last, LEARNER_STEPS)),
    'cpu_ms_per_step': rounded(_cpu_ms_per_step(first, last)),
    'cpu_ms_per_step_of_pieces': spread([_cpu_ms_per_step(*p) for p in pieces]),
    'idle_cores': rounded((last.idle_seconds - first.idle_seconds) / seconds),
    'nodes': {
      node: {
        'cpu_ms_per_step': rounded(_cpu_ms_per_step(first, last, node)),
        'cores': rounded((last.cpu_seconds[node] - first.cpu_seconds[node]) / seconds),
        'resident_mb': rounded(last.resident_bytes[node] / 1e6),
      }
      for node in sorted(last.cpu_seconds)
    },
  }


def _between(before: Mark, after: Mark, name: str) -> float:
  return after.record[name] - before.record[name]


def _rate(before: Mark, after: Mark, name: str) -> float:
  return _between(before, after, name) / _between(before, after, WALL_SECONDS)


def _cpu_ms_per_step(before: Mark, after: Mark, node: str | None = None) -> float:
  """Returns CPU milliseconds per environment step of a node, or of all."""
  seconds = (
    after.cpu_seconds.total() - before.cpu_seconds.total()
    if node is None
    else after.cpu_seconds[node] - before.cpu_seconds[node]
  )
  return 1e3 * seconds / _between(before, after, ACTOR_STEPS)
