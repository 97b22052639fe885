"""Benchmarks: grids of runs, the same for every agent."""
