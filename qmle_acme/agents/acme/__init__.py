"""What Acme's actor-critic agents have in common here."""

from typing import TYPE_CHECKING

from qmle_acme import lazy

if TYPE_CHECKING:
  from qmle_acme.agents.acme.builder import ActorCriticBuilder
  from qmle_acme.agents.acme.config import ActorCriticConfig
  from qmle_acme.agents.acme.learning import State

__all__ = [
  'ActorCriticBuilder',
  'ActorCriticConfig',
  'State',
]

__getattr__, __dir__ = lazy.names(
  __name__,
  {
    'ActorCriticBuilder': 'builder',
    'ActorCriticConfig': 'config',
    'State': 'learning',
  },
)
