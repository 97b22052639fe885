"""Which agents there are: ours, and those of other packages.

Another package adds one by an entry point of the group 'qmle_acme.agents': its name is
that of the agent, its value the dataclass of its settings (docs/python.md).
"""

import dataclasses
import functools
from collections.abc import Mapping
from typing import Any, TypeVar

from qmle_acme import plugins
from qmle_acme.agents.acme.d4pg import D4PGConfig
from qmle_acme.agents.acme.dmpo import DMPOConfig
from qmle_acme.agents.config import AgentConfig
from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.errors import UserError

T = TypeVar('T')

_GROUP = 'qmle_acme.agents'
_OURS: dict[str, type[AgentConfig]] = {
  kind.AGENT: kind for kind in (QMLEConfig, D4PGConfig, DMPOConfig)
}


@functools.cache
def kinds() -> Mapping[str, type[AgentConfig]]:
  """Returns the settings of each agent by its name, ours first; they win.

  Raises:
    UserError: that of another package cannot be imported, or is no such dataclass.
  """
  others = {k: v for k, v in plugins.load(_GROUP).items() if k not in _OURS}
  for name, kind in others.items():
    _check(name, kind)
  return _OURS | others


def with_settings(settings: type[T]) -> type[T]:
  """Adds a field for each agent, by its name, to what becomes the settings of a run.

  Raises:
    UserError: one has the name of another setting.
  """
  for name, kind in kinds().items():
    if name in settings.__annotations__:
      raise UserError(f'{name} ({_GROUP}) cannot be used: a setting has that name')
    settings.__annotations__[name] = kind
    setattr(settings, name, dataclasses.field(default_factory=kind))
  return settings


def _check(name: str, kind: Any) -> None:
  """Refuses what is no dataclass of settings with that name."""
  is_config = isinstance(kind, type) and issubclass(kind, AgentConfig)
  if not is_config or getattr(kind, 'AGENT', None) != name:
    raise UserError(
      f'{name} ({_GROUP}) must be a dataclass that derives from '
      f'qmle_acme.agents.AgentConfig, with AGENT = {name!r}'
    )
