"""The QMLE agent."""

from qmle_acme.agents.qmle.builder import QMLEBuilder
from qmle_acme.agents.qmle.config import QMLEConfig

__all__ = ['QMLEBuilder', 'QMLEConfig']
