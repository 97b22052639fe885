"""How the memory of large temporaries is given back, or rather is not."""

import ctypes
import functools

# Of glibc's malloc.h, and the largest size that they take.
_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_LARGEST = 2**31 - 1


@functools.cache
def keep_freed_memory() -> None:
  """Makes this process keep the memory that it frees, for its next allocations.

  Scoring allocates tens of MB at a time. By default glibc maps each such block anew and
  unmaps it when it is freed, so the kernel has to hand out and clear every page of it
  again: that took 40 % of a learner step (docs/performance.md).
  """
  mallopt = ctypes.CDLL(None).mallopt
  mallopt(_M_MMAP_THRESHOLD, _LARGEST)
  mallopt(_M_TRIM_THRESHOLD, _LARGEST)
