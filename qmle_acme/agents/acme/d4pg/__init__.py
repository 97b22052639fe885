"""Acme's D4PG, a baseline."""

from typing import TYPE_CHECKING

from qmle_acme import lazy

if TYPE_CHECKING:
  from qmle_acme.agents.acme.d4pg.builder import D4PGBuilder
  from qmle_acme.agents.acme.d4pg.config import D4PGConfig

__all__ = [
  'D4PGBuilder',
  'D4PGConfig',
]

__getattr__, __dir__ = lazy.names(
  __name__,
  {
    'D4PGBuilder': 'builder',
    'D4PGConfig': 'config',
  },
)
