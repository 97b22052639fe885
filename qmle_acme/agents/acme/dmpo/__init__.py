"""Acme's DMPO, a baseline."""

from qmle_acme.agents.acme.dmpo.builder import DMPOBuilder
from qmle_acme.agents.acme.dmpo.config import DMPOConfig

__all__ = ['DMPOBuilder', 'DMPOConfig']
