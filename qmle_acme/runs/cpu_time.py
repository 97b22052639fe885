"""The CPU time of a process and of all that it has started."""

import contextlib

import psutil


def tree_cpu_seconds() -> float:
  """Returns the CPU seconds, user and system, of this process since it began.

  Those of its descendants are in it: of the ones that run, and of the ones that have
  ended and were waited for, as the kernel adds them up. One that ends while we look may
  be missed, until it has been waited for.
  """
  this = psutil.Process()
  total = 0.0
  for process in [this, *this.children(recursive=True)]:
    with contextlib.suppress(psutil.NoSuchProcess):
      times = process.cpu_times()
      total += times.user + times.system
      total += times.children_user + times.children_system
  return total
