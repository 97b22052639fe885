"""Maximisation over candidates, and the memory of the best action known."""

from qmle_acme.agents.qmle.argmax.cache import ArgmaxCache
from qmle_acme.agents.qmle.argmax.maximize import best_of, with_cached

__all__ = ['ArgmaxCache', 'best_of', 'with_cached']
