"""Neural networks: encoders, residual torso, action-in Q-network."""

from qmle_acme.networks.action_in import ActionInQNetwork
from qmle_acme.networks.blocks import Linear

__all__ = ['ActionInQNetwork', 'Linear']
