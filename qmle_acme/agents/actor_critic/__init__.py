"""What Acme's actor-critic agents have in common here."""

from qmle_acme.agents.actor_critic.builder import ActorCriticBuilder
from qmle_acme.agents.actor_critic.config import ActorCriticConfig
from qmle_acme.agents.actor_critic.learning import State

__all__ = ['ActorCriticBuilder', 'ActorCriticConfig', 'State']
