"""Neural networks: encoders, residual torso, action-in Q-network."""

from qmle_acme.networks.action_in import ActionInQNetwork
from qmle_acme.networks.blocks import Linear
from qmle_acme.networks.scoring import WIDTH_MULTIPLE

__all__ = ['WIDTH_MULTIPLE', 'ActionInQNetwork', 'Linear']
