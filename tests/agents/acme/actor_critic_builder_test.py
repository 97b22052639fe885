"""Actors and replay of D4PG and DMPO as their builders make them.

O = 3 observation, A = 2 action dimensions; real Reverb servers.
"""

from collections.abc import Iterator
from typing import Any

import acme
import baselines
import dm_env
import numpy as np
import pytest
import reverb
import tensorflow as tf
from baselines import AGENTS, SPEC
from dm_env import specs

from qmle_acme import actions, replay
from qmle_acme.agents.acme import ActorCriticBuilder
from qmle_acme.agents.acme.d4pg import D4PGBuilder, D4PGConfig
from qmle_acme.agents.acme.learning import AcmeLearner
from qmle_acme.agents.builder import AgentBuilder
from qmle_acme.errors import UserError

OBSERVATION = np.full(3, 0.5, np.float32)
SPACE = actions.make(SPEC.actions, bins=2)


class Parts:
  """Builder, learner and replay of one agent."""

  def __init__(self, agent: str):
    self.builder: ActorCriticBuilder = AGENTS[agent]()
    self.learner: AcmeLearner = baselines.make_learner(self.builder, iter(()))
    tables = self.builder.make_tables(reverb.rate_limiters.MinSize(1))
    self.server = reverb.Server(tables, port=None)
    self.client = self.server.localhost_client()

  def actions(self, explores: bool, count: int, seed: int = 3) -> np.ndarray:
    """Returns actions [count, A] at one observation, in the agent's coordinates."""
    client = self.client if explores else None
    actor = self.builder.make_actor(self.learner, client, seed)
    acts = [actor.select_action(OBSERVATION) for _ in range(count)]
    assert all(act.dtype == np.float32 and act.shape == (2,) for act in acts)
    return np.stack([SPACE.from_environment(act) for act in acts])


@pytest.fixture(scope='module', params=list(AGENTS))
def parts(request: pytest.FixtureRequest) -> Iterator[Parts]:
  parts = Parts(request.param)
  yield parts
  parts.server.stop()


def test_greedy_actor_takes_the_mean_of_the_published_policy(parts: Parts) -> None:
  policy = parts.learner.state['network'](tf.constant(OBSERVATION[None]))
  mean = policy.mean() if hasattr(policy, 'mean') else policy
  acts = parts.actions(explores=False, count=3)
  np.testing.assert_allclose(acts, [mean[0]] * 3, atol=1e-5)


def test_exploring_actor_scatters_around_it_as_acme_has_it(parts: Parts) -> None:
  greedy = parts.actions(explores=False, count=1)
  acts = parts.actions(explores=True, count=300)
  # Of D4PG sigma, of DMPO the deviation with which its policy starts.
  np.testing.assert_allclose(acts.std(axis=0), 0.3, rtol=0.15)
  np.testing.assert_allclose(acts.mean(axis=0), greedy[0], atol=0.06)
  assert np.abs(acts).max() <= 1.0
  assert not np.array_equal(parts.actions(True, 5, seed=4), acts[:5])


def test_actor_writes_transitions_and_fetches_variables(parts: Parts) -> None:
  source = Requests(parts.learner)
  actor = parts.builder.make_actor(source, parts.client, seed=3)
  action = np.array([-2.0, 8.5], np.float32)
  actor.observe_first(dm_env.restart(OBSERVATION))
  actor.observe(action, dm_env.transition(np.float32(1.0), OBSERVATION, np.float32(1)))
  actor.observe(action, dm_env.termination(np.float32(4.0), 2 * OBSERVATION))
  for requests in (1, 1, 1, 2):
    actor.update(wait=True)
    assert source.count == requests

  sample = next(iter(parts.builder.make_dataset(parts.client.server_address)))

  assert sample.transition.r_t.shape == [baselines.BATCH]
  rows = {*zip(*(x.numpy().tolist() for x in sample.transition[2:4]), strict=True)}
  assert rows <= {(1 + 0.5 * 4, 0.0), (4.0, 0.0)}  # Two steps, and the tail.
  np.testing.assert_array_equal(sample.transition.a_tm1, [[0.0, 1.0]] * baselines.BATCH)
  table = parts.client.server_info()[replay.TABLE]
  assert table.sampler_options.uniform and table.max_size == 64


class Requests(acme.VariableSource):
  """Counts the requests to a learner."""

  def __init__(self, learner: AcmeLearner):
    self._learner = learner
    self.count = 0

  def get_variables(self, names: list[str]) -> list[list[np.ndarray]]:
    """Returns those of the learner."""
    assert names == ['policy']
    self.count += 1
    return self._learner.get_variables(names)


def test_settings_reach_the_layout(parts: Parts) -> None:
  builder: AgentBuilder = parts.builder
  assert (builder.batch_size, builder.samples_per_insert) == (8, 32.0)
  assert builder.min_replay_size == 5


@pytest.mark.parametrize('other', [specs.DiscreteArray(3), {'arm': SPEC.actions}])
def test_actions_that_are_no_box_are_refused(other: Any) -> None:
  spec = SPEC._replace(actions=other)
  with pytest.raises(UserError, match='d4pg needs one box of continuous actions'):
    D4PGBuilder(D4PGConfig(), spec)
