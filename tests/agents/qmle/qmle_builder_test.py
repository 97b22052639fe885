"""The parts of QMLE as the builder makes them, with real Reverb servers.

O = 2 observation, A = 2 action dimensions.
"""

import dataclasses
from collections.abc import Iterator, Sequence

import acme
import dm_env
import numpy as np
import pytest
import reverb
import tensorflow as tf
import tiny_agent
from acme import specs as acme_specs
from dm_env import specs

from qmle_acme import replay
from qmle_acme.agents.qmle import QMLEBuilder
from qmle_acme.agents.qmle.learning import QMLELearner
from qmle_acme.agents.qmle.parameters import Parameters

SPEC = acme_specs.EnvironmentSpec(
  observations=specs.Array((2,), np.float32),
  actions=specs.BoundedArray((2,), np.float32, [-3.0, 0.5], [-1.0, 8.5]),
  rewards=specs.Array((), np.float32),
  discounts=specs.BoundedArray((), np.float32, 0.0, 1.0),
)
CONFIG = dataclasses.replace(
  tiny_agent.CONFIG,
  epsilon=1.0,
  n_step=2,
  discount=0.5,
  samples_per_insert=3.0,
  min_replay_size=5,
  priority_exponent=0.25,
  variable_update_period=4,
)
OBSERVATION = np.zeros(2, np.float32)
ACTION = np.array([-2.0, 8.5], np.float32)


class Requests(acme.VariableSource):
  """Keeps which variables were asked of a learner."""

  def __init__(self, learner: QMLELearner):
    self._learner = learner
    self.names: list[list[str]] = []

  def get_variables(self, names: Sequence[str]) -> list[list[np.ndarray]]:
    """Returns those of the learner."""
    self.names.append(list(names))
    return self._learner.get_variables(names)


@pytest.fixture(scope='module')
def builder() -> QMLEBuilder:
  return QMLEBuilder(CONFIG, SPEC)


@pytest.fixture(scope='module')
def learner(builder: QMLEBuilder) -> QMLELearner:
  return make_learner(builder, seed=1)


@pytest.fixture
def client(builder: QMLEBuilder) -> Iterator[reverb.Client]:
  tables = builder.make_tables(reverb.rate_limiters.MinSize(1))
  server = reverb.Server(tables, port=None)
  yield reverb.Client(f'localhost:{server.port}')
  server.stop()


def make_learner(builder: QMLEBuilder, seed: int) -> QMLELearner:
  return builder.make_learner(iter(()), '', seed, write_metrics=lambda _: None)


def mid(reward: float) -> dm_env.TimeStep:
  return dm_env.transition(np.float32(reward), OBSERVATION, np.float32(1.0))


def test_settings_reach_the_layout_and_the_table(builder: QMLEBuilder) -> None:
  assert (builder.batch_size, builder.samples_per_insert) == (4, 3.0)
  assert builder.min_replay_size == 5
  limiter = reverb.rate_limiters.SampleToInsertRatio(3.0, 5, 100.0)
  (table,) = builder.make_tables(limiter)
  assert (table.name, table.info.max_size) == (replay.TABLE, 64)
  assert table.info.sampler_options.prioritized.priority_exponent == 0.25
  assert table.info.rate_limiter_info.samples_per_insert == 3.0
  assert table.info.signature.shape == (2 + 2 + 1 + 1 + 2,)


def test_learner_is_a_function_of_the_seed(
  builder: QMLEBuilder, learner: QMLELearner
) -> None:
  policy, again, other = (
    maker.get_variables(['policy'])[0][0]
    for maker in (learner, make_learner(builder, 1), make_learner(builder, 2))
  )
  target = learner.state['target_network'].variables
  np.testing.assert_array_equal(policy, again)
  np.testing.assert_array_equal(policy, Parameters(target).numpy())
  assert not np.array_equal(policy, other)
  assert learner.steps == 0 and learner.get_variables(['max_priority']) == [[1.0]]


def test_actor_without_replay_is_greedy_and_keeps_nothing(
  builder: QMLEBuilder, learner: QMLELearner
) -> None:
  source = Requests(learner)
  actor = builder.make_actor(source, None, seed=3)
  assert source.names == [['policy', 'max_priority', 'reward_scale']]
  random = tiny_agent.make_random(3)
  random.random()
  seed = random.integers(2**31, size=2, dtype=np.int32)
  best = learner.state['network'].argmax(OBSERVATION[None], CONFIG.m_greedy, seed)
  expected = np.array([-2.0, 4.5]) + np.array([1.0, 4.0]) * best.action[0].numpy()
  action = actor.select_action(OBSERVATION)  # Though epsilon is 1.
  np.testing.assert_allclose(action, expected, atol=1e-5)
  actor.observe_first(dm_env.restart(OBSERVATION))
  actor.observe(ACTION, mid(1.0))
  for _ in range(3):
    actor.update(wait=True)
  assert len(source.names) == 4  # The newest whenever it asks.


def test_actor_explores_and_writes_transitions_at_the_published_priority(
  builder: QMLEBuilder, learner: QMLELearner, client: reverb.Client
) -> None:
  source = Requests(learner)
  max_priority = learner.state['max_priority']
  actor = builder.make_actor(source, client, seed=3)
  assert source.names == [['online', 'max_priority', 'reward_scale']]
  actions = [actor.select_action(OBSERVATION) for _ in range(10)]
  assert len({tuple(action) for action in actions}) == 10

  actor.observe_first(dm_env.restart(OBSERVATION))
  actor.observe(ACTION, mid(1.0))
  actor.observe(ACTION, mid(2.0))  # The first transition, at priority 1.
  max_priority.assign(7.0)
  for requests in (1, 1, 1, 2):
    actor.update(wait=True)
    assert len(source.names) == requests
  last = dm_env.termination(np.float32(4.0), OBSERVATION)
  actor.observe(ACTION, last)  # Two more, at priority 7.
  max_priority.assign(1.0)
  items = {
    sample.info.key: (sample.info.priority, *sample.data[0][[2, 3, 4, 5]])
    for sample in client.sample(replay.TABLE, 200, emit_timesteps=False)
  }
  assert sorted(items.values()) == [
    (1.0, 0.0, 1.0, 1 + 0.5 * 2, 0.25),
    (7.0, 0.0, 1.0, 2 + 0.5 * 4, 0.0),
    (7.0, 0.0, 1.0, 4, 0.0),
  ]


def test_dataset_gives_batches_of_the_configured_size(
  builder: QMLEBuilder, learner: QMLELearner, client: reverb.Client
) -> None:
  actor = builder.make_actor(learner, client, seed=3)
  actor.observe_first(dm_env.restart(OBSERVATION))
  actor.observe(ACTION, dm_env.termination(np.float32(4.0), OBSERVATION))
  sample = next(iter(builder.make_dataset(client.server_address)))
  assert sample.keys.shape == [4] and sample.keys.dtype == tf.int64
  np.testing.assert_array_equal(sample.transition.a_tm1, [[0.0, 1.0]] * 4)
  np.testing.assert_array_equal(sample.transition.r_t, [4.0] * 4)


def test_actors_explore_by_their_place_on_the_ladder(
  builder: QMLEBuilder, learner: QMLELearner, client: reverb.Client
) -> None:
  config = dataclasses.replace(CONFIG, epsilon=0.1, epsilon_exponent=2.0)
  ladder = QMLEBuilder(config, SPEC)
  epsilons = [
    ladder.make_actor(learner, client, 3, index, 3).episode_record()['epsilon']
    for index in range(3)
  ]
  assert epsilons == pytest.approx([0.1, 0.01, 0.001])
  greedy = ladder.make_actor(learner, None, 3, 2, 3)
  assert greedy.episode_record()['epsilon'] == 0.0
