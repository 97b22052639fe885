"""What an agent can be trained on, by name."""

from qmle_acme.environments.registry import check, make, names

__all__ = ['check', 'make', 'names']
