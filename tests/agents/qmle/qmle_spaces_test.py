"""The whole agent in discrete and hybrid spaces, with a real Reverb server."""

import dataclasses
from typing import Any

import dm_env
import numpy as np
import pytest
import reverb
import tiny_agent
import tree
from acme import specs as acme_specs
from dm_env import specs

from qmle_acme.actions import ItemArray
from qmle_acme.agents.qmle import QMLEBuilder, QMLEConfig
from qmle_acme.agents.qmle.predictors import DeltaConfig, MixtureConfig

HYBRID = {
  'pick': specs.DiscreteArray(1000),
  'move': (
    specs.BoundedArray((2,), np.float32, -1.0, 3.0),
    specs.BoundedArray((2,), np.int32, -1, 1),
  ),
}
ITEMS = ItemArray(np.random.default_rng(0).normal(size=(2000, 3)))
TWO_MIXTURES = dataclasses.replace(
  tiny_agent.CONFIG,
  uniform_ratio=0.5,
  m_target=20,
  m_greedy=20,
  epsilon=0.5,
  predictors=(
    DeltaConfig(0.1),
    MixtureConfig(0.2),
    MixtureConfig(0.2, name='narrow', components=2, max_scale=0.1),
  ),
)
DEFAULTS = QMLEConfig(
  batch_size=4, hidden_size=16, min_replay_size=1, replay_size=64, m_target=20
)


@pytest.mark.parametrize(
  ('spec', 'config'),
  [
    (specs.DiscreteArray(4, dtype=np.int64), DEFAULTS),
    (HYBRID, TWO_MIXTURES),
    (ITEMS, TWO_MIXTURES),
  ],
  ids=['discrete', 'hybrid', 'items'],
)
def test_acts_and_learns(spec: Any, config: QMLEConfig) -> None:
  environment = acme_specs.EnvironmentSpec(
    observations=specs.Array((2,), np.float32),
    actions=spec,
    rewards=specs.Array((), np.float32),
    discounts=specs.BoundedArray((), np.float32, 0.0, 1.0),
  )
  builder = QMLEBuilder(config, environment)
  server = reverb.Server(
    builder.make_tables(reverb.rate_limiters.MinSize(1)), port=None
  )
  address = f'localhost:{server.port}'
  written: list[dict[str, float]] = []
  samples = iter(builder.make_dataset(address))
  learner = builder.make_learner(samples, address, 1, written.append)
  actor = builder.make_actor(learner, reverb.Client(address), seed=2)

  observation = np.ones(2, np.float32)
  actor.observe_first(dm_env.restart(observation))
  for step in range(1, 9):
    action = actor.select_action(observation)
    tree.map_structure(lambda leaf, value: leaf.validate(value), spec, action)
    make = dm_env.transition if step < 8 else dm_env.termination
    actor.observe(action, make(np.float32(step), observation))
  before = [variable.numpy() for variable in learner.state['network'].variables]
  for _ in range(2):
    learner.step()
  learner.write_metrics()
  server.stop()

  after = learner.state['network'].variables
  assert all(np.isfinite(variable).all() for variable in after)
  changed = [(a != b.numpy()).any() for a, b in zip(before, after, strict=True)]
  assert all(changed)
  metrics = written[-1]
  names = ['uniform', *(member.name for member in config.predictors), 'cache']
  shares = [metrics[f'winner/{name}'] for name in names]
  assert max(shares) <= 1.0 and sum(shares) >= 1.0 - 1e-6  # Some win together.
