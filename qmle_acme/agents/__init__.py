"""Agents, behind one builder interface."""

from typing import TYPE_CHECKING

from qmle_acme import lazy

if TYPE_CHECKING:
  from qmle_acme.agents.builder import Actor, AgentBuilder, MetricsWriter, TFLearner
  from qmle_acme.agents.config import AgentConfig

__all__ = [
  'Actor',
  'AgentBuilder',
  'AgentConfig',
  'MetricsWriter',
  'TFLearner',
]

__getattr__, __dir__ = lazy.names(
  __name__,
  {
    'Actor': 'builder',
    'AgentBuilder': 'builder',
    'AgentConfig': 'config',
    'MetricsWriter': 'builder',
    'TFLearner': 'builder',
  },
)
