"""Deterministic policy gradient, to compare QMLE with."""

from qmle_acme.experiments.dpg.builder import DPGBuilder

__all__ = ['DPGBuilder']
