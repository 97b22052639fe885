"""Names of a package that are imported when they are first used (PEP 562).

So a command that only reads settings does not wait for TensorFlow.
"""

import importlib
import sys
from collections.abc import Callable, Mapping
from typing import Any


def names(
  package: str, homes: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
  """Returns the `__getattr__` and the `__dir__` of a package.

  Args:
    package: its `__name__`.
    homes: from each name that it re-exports to the module in it that has it.
  """
  module = sys.modules[package]

  def load(name: str) -> Any:
    if name not in homes:
      raise AttributeError(
        f'module {package!r} has no attribute {name!r}',
        name=name,
        obj=module,
      )
    return getattr(importlib.import_module(f'{package}.{homes[name]}'), name)

  def listed() -> list[str]:
    return sorted({*vars(module), *homes})

  return load, listed
