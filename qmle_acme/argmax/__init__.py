"""Maximisation over candidates, and the memory of the best action known."""

from qmle_acme.argmax.cache import ArgmaxCache
from qmle_acme.argmax.maximize import ArgmaxFunction, maximize, with_cached

__all__ = ['ArgmaxCache', 'ArgmaxFunction', 'maximize', 'with_cached']
