"""What a run or a measurement was made on, and with which versions."""

import datetime
import os
import pathlib
import platform
import subprocess
from importlib import metadata
from typing import Any

PACKAGES = (
  'qmle_acme',
  'tensorflow-cpu',
  'dm-reverb',
  'dm-launchpad-nightly',
  'dm-acme',
  'dm-sonnet',
  'dm-control',
  'mujoco',
  'numpy',
)
# What the scoring kernel and TensorFlow's products choose by.
_FEATURES = (
  'avx2',
  'fma',
  'avx512f',
  'avx512_vnni',
  'avx512_bf16',
  'amx_int8',
  'amx_bf16',
)


def describe() -> dict[str, Any]:
  """Returns processor, load, date, versions, and the commit that the code is of."""
  return {
    'cpu': processor(),
    'cpu_features': features(),
    'cores': os.cpu_count(),
    'usable_cores': usable_cores(),
    'load_average_before': os.getloadavg(),
    'date': datetime.datetime.now(datetime.timezone.utc).isoformat(timespec='seconds'),
    'system': platform.platform(),
    'python': platform.python_version(),
    'revision': revision(),
    'versions': {name: metadata.version(name) for name in PACKAGES},
  }


def processor() -> str:
  """Returns the processor's name."""
  return _cpuinfo('model name')


def features() -> list[str]:
  """Returns the vector instructions that it has, of those that are chosen by."""
  flags = _cpuinfo('flags').split()
  return [name for name in _FEATURES if name in flags]


def usable_cores() -> int:
  """Returns how many cores this process may use."""
  return len(os.sched_getaffinity(0))


def _cpuinfo(key: str) -> str:
  """Returns what the kernel says of the first core; '' where it does not."""
  path = pathlib.Path('/proc/cpuinfo')
  lines = path.read_text().splitlines() if path.exists() else []
  pairs = (line.partition(':') for line in lines)
  return next((value.strip() for name, _, value in pairs if name.strip() == key), '')


def revision() -> str:
  """Returns the commit of the code, marked if it was changed; '' outside of git."""
  here = pathlib.Path(__file__).parent
  command = ['git', '-C', str(here), 'describe', '--always', '--dirty', '--abbrev=12']
  try:
    result = subprocess.run(command, capture_output=True, text=True)
  except OSError:
    return ''
  return result.stdout.strip()
