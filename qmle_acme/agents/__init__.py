"""Agents, behind one builder interface."""

from typing import TYPE_CHECKING

from qmle_acme import lazy

if TYPE_CHECKING:
  from qmle_acme.agents.builder import AgentBuilder, MetricsWriter, TFLearner

__all__ = [
  'AgentBuilder',
  'MetricsWriter',
  'TFLearner',
]

__getattr__ = lazy.names(
  __name__,
  {
    'AgentBuilder': 'builder',
    'MetricsWriter': 'builder',
    'TFLearner': 'builder',
  },
)
