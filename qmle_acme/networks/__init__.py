"""Neural networks: encoders, residual torso and the action-in Q-network."""

from qmle_acme.networks.action_in import ActionInQNetwork

__all__ = ['ActionInQNetwork']
