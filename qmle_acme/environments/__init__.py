"""What an agent can be trained on, by name."""

from qmle_acme.environments.registry import make, names

__all__ = ['make', 'names']
