"""Maximisation over candidates, and the memory of the best action known."""

from qmle_acme.agents.qmle.argmax.cache import ArgmaxCache
from qmle_acme.agents.qmle.argmax.maximize import best_of, with_cached
from qmle_acme.agents.qmle.argmax.second_round import neighbours, two_rounds

__all__ = ['ArgmaxCache', 'best_of', 'neighbours', 'two_rounds', 'with_cached']
