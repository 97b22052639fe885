"""Acme's D4PG, a baseline."""

from qmle_acme.agents.acme.d4pg.builder import D4PGBuilder
from qmle_acme.agents.acme.d4pg.config import D4PGConfig

__all__ = ['D4PGBuilder', 'D4PGConfig']
