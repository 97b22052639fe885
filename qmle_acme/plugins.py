"""What other packages add, by the entry points that they declare."""

import functools
from importlib import metadata
from typing import Any

from qmle_acme.errors import UserError, described


def load(group: str) -> dict[str, Any]:
  """Returns what the entry points of a group stand for, by their names.

  Raises:
    UserError: one cannot be imported.
  """
  return {entry.name: _load(entry) for entry in entry_points(group)}


def entry_points(group: str) -> metadata.EntryPoints:
  """Returns the entry points of a group, of all packages that are installed."""
  return _all().select(group=group)


# A look at the metadata of all packages takes 30 ms.
_all = functools.cache(metadata.entry_points)


def _load(entry: metadata.EntryPoint) -> Any:
  try:
    return entry.load()
  except Exception as error:  # Whatever a module of somebody else's raises.
    owner = entry.dist.name if entry.dist else 'a package'
    raise UserError(
      f'{entry.name} of {owner} ({entry.group}) cannot be imported: '
      f'{described(error)}; mend or uninstall it'
    ) from error
