"""How much memory a replayed transition takes in the server."""

import itertools
from collections.abc import Iterator
from typing import Any

import psutil
import reverb

from qmle_acme.replay import TABLE
from qmle_acme.speed import processes, serving
from qmle_acme.speed.timing import rounded, spread

_PIECES = 5


def measure(task: str, rows: int) -> Iterator[dict[str, Any]]:
  """Yields by how much the server's process grows while so many rows are written."""
  with processes.start(serving.serve, task, threads=1) as server:
    client = reverb.Client(f'localhost:{server.receive()}')
    writer = serving.RandomWriter(task, client)
    process = psutil.Process(server.pid)
    empty = process.memory_info().rss
    marks = []
    # The first rows take memory that was free, and are not counted.
    for _ in range(_PIECES + 1):
      writer.write(rows // _PIECES)
      size = client.server_info()[TABLE].current_size
      marks.append((size, process.memory_info().rss))
    signature = client.server_info()[TABLE].signature
  pieces = [_per_row(*pair) for pair in itertools.pairwise(marks)]
  yield {
    'task': task,
    'rows': marks[-1][0] - marks[0][0],
    'data_bytes_per_row': signature.shape.num_elements() * signature.dtype.size,
    'bytes_per_row': rounded(_per_row(marks[0], marks[-1])),
    'bytes_per_row_of_pieces': spread(pieces),
    'empty_server_mb': rounded(empty / 1e6),
  }


def _per_row(before: tuple[int, int], after: tuple[int, int]) -> float:
  return (after[1] - before[1]) / (after[0] - before[0])
