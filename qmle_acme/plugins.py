"""What other packages add, by the entry points that they declare."""

from importlib import metadata
from typing import Any

from qmle_acme.errors import UserError, described


def load(group: str) -> dict[str, Any]:
  """Returns what the entry points of a group stand for, by their names.

  Raises:
    UserError: one cannot be imported.
  """
  return {entry.name: _load(entry) for entry in metadata.entry_points(group=group)}


def _load(entry: metadata.EntryPoint) -> Any:
  try:
    return entry.load()
  except Exception as error:  # Whatever a module of somebody else's raises.
    owner = entry.dist.name if entry.dist else 'a package'
    raise UserError(
      f'{entry.name} of {owner} ({entry.group}) cannot be imported: '
      f'{described(error)}; mend or uninstall it'
    ) from error
