"""Agents, behind one builder interface."""

from qmle_acme.agents.builder import AgentBuilder, MetricsWriter, TFLearner

__all__ = ['AgentBuilder', 'MetricsWriter', 'TFLearner']
