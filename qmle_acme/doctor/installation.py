"""Python, the versions of packages, the processor and its kernels, rendering."""

import ctypes
import importlib.util
import os
import pathlib
import platform
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata

import qmle_acme
from qmle_acme.doctor.findings import Finding, Level, judge
from qmle_acme.environments import gl
from qmle_acme.errors import UserError
from qmle_acme.runs import machine

_PYTHON = (3, 10)
_ISA = 'QMLE_MAX_CPU_ISA'
_ISA_VALUES = ('AVX2', 'AVX512')
_KERNELS = pathlib.Path(qmle_acme.__file__).parent / 'kernels' / '_operations.so'
# By their names in the library.
_KERNEL_NAMES = {
  'kernels_avx2': 'AVX2',
  'kernels_avx512': 'AVX-512',
  'kernels_amx': 'AMX',
}
# One package of two names: for processors alone, and for GPUs too.
_SAME = {'tensorflow-cpu': 'tensorflow'}


def python() -> Finding:
  """Checks the interpreter and the system that it was built for."""
  system = f'{platform.machine()} {platform.system()}'
  return judge(
    'python',
    f'{platform.python_version()} on {system}',
    Level.BAD,
    sys.version_info[:2] == _PYTHON and system == 'x86_64 Linux',
    'Launchpad is built for Python 3.10 on x86-64 Linux alone: `make setup`',
  )


def versions() -> Finding:
  """Checks the packages that are installed against the versions that were tested."""
  pins = pinned(metadata.requires('qmle_acme') or ())
  wrong = [f'{name} {found} for {pins[name]}' for name, found in unfit(pins).items()]
  return judge(
    'versions',
    '; '.join(wrong) or f'all {len(pins)} direct dependencies are those of setup.py',
    Level.BAD,
    not wrong,
    'few others work together: `make setup`, or pip install --no-deps -r '
    'requirements-run.txt',
  )


def pinned(requirements: Iterable[str]) -> dict[str, str]:
  """Returns the versions of what every run needs, by package.

  Args:
    requirements: of this package, as in 'numpy==1.23.5'; those of extras have a marker.
  """
  return dict(line.split('==') for line in requirements if ';' not in line)


def unfit(pins: Mapping[str, str]) -> dict[str, str]:
  """Returns the packages that are not as pinned, with the version or 'missing'."""
  found = {name: _version(name) for name in pins}
  return {name: found[name] for name in pins if found[name] != pins[name]}


def _version(package: str) -> str:
  for name in (package, _SAME.get(package, package)):
    try:
      return metadata.version(name)
    except metadata.PackageNotFoundError:
      continue
  return 'missing'


def processor() -> Finding:
  """Checks that there are kernels for this processor, and says which are chosen."""
  chosen = chosen_kernels()
  asked = os.environ.get(_ISA)
  text = f'{machine.processor()} ({" ".join(machine.features())}); kernels: '
  if chosen is None:
    return Finding(
      'processor',
      f'{text}none',
      Level.BAD,
      'it needs AVX2 and FMA; or the kernels are not built, which `make setup` does',
    )
  return judge(
    'processor',
    f'{text}{chosen}',
    Level.WARNING,
    asked in (None, *_ISA_VALUES),
    f'{_ISA} is {asked!r}, which says nothing: it can be {" or ".join(_ISA_VALUES)}',
  )


def chosen_kernels() -> str | None:
  """Returns the vectors of the kernels that this processor gets, such as 'AVX2'.

  It asks the library itself, but without TensorFlow's Python: that takes seconds.
  """
  found = importlib.util.find_spec('tensorflow')
  if found is None or not found.submodule_search_locations:
    return None
  try:
    folder = pathlib.Path(found.submodule_search_locations[0])
    ctypes.CDLL(str(folder / 'libtensorflow_framework.so.2'))
    library = ctypes.CDLL(str(_KERNELS))
  except OSError:
    return None
  library.choose_kernels.restype = ctypes.c_void_p
  chosen = library.choose_kernels()
  for symbol, name in _KERNEL_NAMES.items():
    if chosen == ctypes.addressof(ctypes.c_byte.in_dll(library, symbol)):
      return name
  return None


def rendering() -> Finding:
  """Checks that a picture can be drawn without a display, which takes seconds."""
  try:
    return Finding('rendering', f'OpenGL by {gl.use_headless_backend()}')
  except UserError as error:
    what, _, advice = str(error).partition('; ')
    advice = f'training needs none; {advice}'
    return Finding('rendering', what, Level.WARNING, advice)
