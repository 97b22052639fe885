"""What Acme's actor-critic agents have in common here."""

from qmle_acme.agents.acme.builder import ActorCriticBuilder
from qmle_acme.agents.acme.config import ActorCriticConfig
from qmle_acme.agents.acme.learning import State

__all__ = ['ActorCriticBuilder', 'ActorCriticConfig', 'State']
