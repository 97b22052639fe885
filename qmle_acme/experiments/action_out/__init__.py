"""Q-learning with an output for each action, to compare QMLE with."""

from qmle_acme.experiments.action_out.builder import ActionOutBuilder

__all__ = ['ActionOutBuilder']
