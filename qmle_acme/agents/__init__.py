"""Agents, behind one builder interface."""

from typing import TYPE_CHECKING

from qmle_acme import lazy

if TYPE_CHECKING:
  from qmle_acme.agents.builder import Actor, AgentBuilder, MetricsWriter, TFLearner

__all__ = [
  'Actor',
  'AgentBuilder',
  'MetricsWriter',
  'TFLearner',
]

__getattr__ = lazy.names(
  __name__,
  {
    'Actor': 'builder',
    'AgentBuilder': 'builder',
    'MetricsWriter': 'builder',
    'TFLearner': 'builder',
  },
)
