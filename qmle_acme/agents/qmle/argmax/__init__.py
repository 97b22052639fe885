"""Maximisation over candidates, and the memory of the best action known."""

from qmle_acme.agents.qmle.argmax.cache import ArgmaxCache
from qmle_acme.agents.qmle.argmax.maximize import ArgmaxFunction, maximize, with_cached

__all__ = ['ArgmaxCache', 'ArgmaxFunction', 'maximize', 'with_cached']
