"""Acme's DMPO, a baseline."""

from qmle_acme.agents.dmpo.builder import DMPOBuilder
from qmle_acme.agents.dmpo.config import DMPOConfig

__all__ = ['DMPOBuilder', 'DMPOConfig']
