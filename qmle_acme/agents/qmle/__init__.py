"""The QMLE agent."""

from typing import TYPE_CHECKING

from qmle_acme import lazy

if TYPE_CHECKING:
  from qmle_acme.agents.qmle.builder import QMLEBuilder
  from qmle_acme.agents.qmle.config import QMLEConfig

__all__ = [
  'QMLEBuilder',
  'QMLEConfig',
]

__getattr__, __dir__ = lazy.names(
  __name__,
  {
    'QMLEBuilder': 'builder',
    'QMLEConfig': 'config',
  },
)
