"""Experiments: where an agent's parts run, and what a run leaves behind."""
