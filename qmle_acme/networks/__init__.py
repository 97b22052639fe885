"""Neural networks: encoders, residual torso and the action-in Q-network."""

from qmle_acme.networks.action_in import ActionInQNetwork
from qmle_acme.networks.blocks import W_INIT

__all__ = ['W_INIT', 'ActionInQNetwork']
