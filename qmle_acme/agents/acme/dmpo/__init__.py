"""Acme's DMPO, a baseline."""

from typing import TYPE_CHECKING

from qmle_acme import lazy

if TYPE_CHECKING:
  from qmle_acme.agents.acme.dmpo.builder import DMPOBuilder
  from qmle_acme.agents.acme.dmpo.config import DMPOConfig

__all__ = [
  'DMPOBuilder',
  'DMPOConfig',
]

__getattr__, __dir__ = lazy.names(
  __name__,
  {
    'DMPOBuilder': 'builder',
    'DMPOConfig': 'config',
  },
)
