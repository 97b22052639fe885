"""What the docs reckon of actors and arg max nodes agrees with a simulation of them."""

import importlib.util
import pathlib
import sys

import pytest

SCRIPT = pathlib.Path(__file__).parents[2] / 'docs' / 'capacity.py'
SPEC = importlib.util.spec_from_file_location('capacity', SCRIPT)
assert SPEC and SPEC.loader
capacity = importlib.util.module_from_spec(SPEC)
sys.modules['capacity'] = capacity
SPEC.loader.exec_module(capacity)


def test_reckoned_and_simulated_rates_agree() -> None:
  costs = capacity.Capacity()
  for nodes in costs.nodes:
    for actors in costs.actors:
      rate, _ = capacity.reckon(costs, actors, nodes)
      simulated = capacity.Simulation(costs, actors, nodes).run()
      assert simulated == pytest.approx(rate, rel=0.1), (nodes, actors)


def test_a_learner_that_waits_for_nothing_is_as_fast_as_its_step() -> None:
  costs = capacity.Capacity(learner_ms=20.0, argmax_ms=40.0, threads=2, sampling_ms=0.0)
  # 20 + 40 / 2 ms for ten actor steps.
  assert capacity.Simulation(costs, 64, 0).run() == pytest.approx(250.0)


def test_slow_actors_hold_everything_up() -> None:
  costs = capacity.Capacity(actor_ms=50.0)
  for nodes in (0, 1, 4):
    assert capacity.reckon(costs, 3, nodes) == (pytest.approx(60.0), 'actors')
    assert capacity.Simulation(costs, 3, nodes).run() == pytest.approx(60.0, rel=0.01)
