"""Maximisation over candidates, and the memory of the best action known."""

from qmle_acme.argmax.cache import ArgmaxCache
from qmle_acme.argmax.maximize import Scorer, maximize, with_cached

__all__ = ['ArgmaxCache', 'Scorer', 'maximize', 'with_cached']
