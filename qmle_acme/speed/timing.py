"""Times of interleaved repetitions: their medians, and how far they spread.

Machines are shared, so that a time by itself says little. What is compared is measured
in turns, in one process, and by the median of its CPU time.
"""

import collections
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

# median, min and max
Spread: TypeAlias = dict[str, float]


class Part(NamedTuple):
  """Something to measure; what takes microseconds is called several times in a row."""

  run: Callable[..., Any]
  calls: int = 1


def spread(values: Sequence[float]) -> Spread:
  """Returns the median, the least and the largest of some values."""
  return {
    'median': rounded(statistics.median(values)),
    'min': rounded(min(values)),
    'max': rounded(max(values)),
  }


def rounded(value: float) -> float:
  """Returns a value to five digits: more were never measured."""
  return float(f'{value:.5g}')


class Stopwatch:
  """Keeps CPU time of the process, and wall time, by name."""

  def __init__(self) -> None:
    self._times: dict[str, list[tuple[float, float]]] = collections.defaultdict(list)
    self._last_lap = _now()

  def timed(self, name: str, part: Part) -> Callable[..., Any]:
    """Returns a function that calls the part and keeps what one call took."""

    def run(*args: Any, **kwargs: Any) -> Any:
      start = _now()
      for _ in range(part.calls):
        result = part.run(*args, **kwargs)
      self._keep(name, start, part.calls)
      return result

    return run

  def lap(self, name: str) -> None:
    """Keeps what has passed since the last lap."""
    self._keep(name, self._last_lap, 1)
    self._last_lap = _now()

  def forget(self) -> None:
    """Forgets what it has kept; a lap starts now."""
    self._times.clear()
    self._last_lap = _now()

  def costs(self) -> dict[str, dict[str, Spread]]:
    """Returns 'cpu_ms' and 'wall_ms' of each name."""
    return {
      name: {
        'cpu_ms': spread([1e3 * cpu for cpu, _ in times]),
        'wall_ms': spread([1e3 * wall for _, wall in times]),
      }
      for name, times in self._times.items()
    }

  def _keep(self, name: str, start: tuple[float, float], calls: int) -> None:
    cpu, wall = _now()
    self._times[name].append(((cpu - start[0]) / calls, (wall - start[1]) / calls))


def interleave(
  parts: Mapping[str, Part], repetitions: int, rest_seconds: float = 0.0
) -> dict[str, dict[str, Spread]]:
  """Returns what each part costs, measured in turns.

  Args:
    parts: by name; each is called once before anything is kept, to trace its graph.
    repetitions: turns.
    rest_seconds: before each part, for what an earlier one has set going in other
      threads.
  """
  watch = Stopwatch()
  timed = [watch.timed(name, part) for name, part in parts.items()]
  for run in timed:
    run()
  watch.forget()
  for _ in range(repetitions):
    for run in timed:
      time.sleep(rest_seconds)
      run()
  return watch.costs()


def _now() -> tuple[float, float]:
  return time.process_time(), time.perf_counter()
