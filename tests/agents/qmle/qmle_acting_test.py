"""The QMLE actor: what it chooses, and the variables that it chooses by.

B batch, N candidates, A action dimensions.
"""

import dataclasses
import threading
import time
from collections.abc import Sequence

import acme
import dm_env
import numpy as np
import pytest
import tensorflow as tf
import tiny_agent
import worked_out
from acme.tf import variable_utils
from dm_env import specs
from tiny_agent import CONFIG, OBSERVATION_SIZE

from qmle_acme.actions import Box, NoopArray
from qmle_acme.agents.qmle.acting import QMLEActor
from qmle_acme.agents.qmle.exploration import Exploration
from qmle_acme.agents.qmle.networks import QMLENetwork
from qmle_acme.agents.qmle.parameters import Parameters
from qmle_acme.agents.qmle.scaling import RewardScale
from qmle_acme.random import uniform

OBSERVATIONS = np.random.default_rng(0).normal(size=(12, OBSERVATION_SIZE))
OBSERVATIONS = OBSERVATIONS.astype(np.float32)
COUNT = 8


class Source(acme.VariableSource):
  """Serves the variables of a network.

  Attributes:
    requests: how often it was asked.
    is_open: while it is not set, an answer is not given.
  """

  def __init__(self, network: QMLENetwork):
    self._network = network
    self.requests = 0
    self.is_open = threading.Event()
    self.is_open.set()

  def get_variables(self, names: Sequence[str]) -> list[list[np.ndarray]]:
    """Returns the arrays of the network, whatever the name."""
    self.requests += 1
    self.is_open.wait()
    return [[Parameters(self._network.variables).numpy()] for _ in names]


@pytest.fixture(scope='module')
def network() -> QMLENetwork:
  """A network whose preferences depend on the observation."""
  network = QMLENetwork.make(tiny_agent.SPACE, OBSERVATION_SIZE, CONFIG, seed=1)
  scramble(network, seed=1)
  return network


def scramble(network: QMLENetwork, seed: int) -> None:
  random = np.random.default_rng(seed)
  for variable in network.variables:
    noise = random.normal(size=variable.shape)
    variable.assign_add(tf.constant(noise, tf.float32))


def make_actor(
  source: Source,
  epsilon: float,
  seed: int = 5,
  space: Box = tiny_agent.SPACE,
  period: int = 1,
  exploration: Exploration | None = None,
) -> QMLEActor:
  network = QMLENetwork.make(space, OBSERVATION_SIZE, CONFIG, seed=99)
  parameters = Parameters(network.variables)
  client = variable_utils.VariableClient(source, {'policy': [parameters]}, period)
  client.update_and_wait()
  reward_scale = RewardScale(n_step=1, discount=0.5)
  reward_scale.assign(10.0)
  return QMLEActor(
    network,
    space,
    OBSERVATION_SIZE,
    COUNT,
    exploration or Exploration(epsilon),
    seed,
    client,
    adder=None,
    reward_scale=reward_scale,
    discount=0.5,
  )


def act(actor: QMLEActor) -> np.ndarray:
  return np.stack([actor.select_action(observation) for observation in OBSERVATIONS])


def expected_actions(
  network: QMLENetwork, epsilon: float, seed: int = 5
) -> tuple[np.ndarray, np.ndarray]:
  """Returns the actions that must be chosen, and which of them explore."""
  random = tiny_agent.make_random(seed)
  actions, explores = [], []
  for observation in OBSERVATIONS:
    explores.append(random.random() < epsilon)
    action_seed = random.integers(2**31, size=2, dtype=np.int32)
    if explores[-1]:
      action = 2.0 * uniform((2,), action_seed).numpy() - 1.0
    else:
      candidates = worked_out.propose(network, observation[None], COUNT, action_seed)
      values = worked_out.q_values(network, observation[None], candidates).numpy()[0]
      action = candidates[0, values.argmax()]
    actions.append(action)
  return np.stack(actions), np.array(explores)


@pytest.mark.parametrize('epsilon', [0.0, 0.4, 1.0])
def test_actions_are_those_worked_out_by_hand(
  network: QMLENetwork, epsilon: float
) -> None:
  expected, explores = expected_actions(network, epsilon)
  actions = act(make_actor(Source(network), epsilon))
  np.testing.assert_allclose(actions, expected, atol=1e-6)
  assert np.mean(explores) == pytest.approx(epsilon, abs=0.2)
  if epsilon == 0.0:
    argmax = network.argmax(OBSERVATIONS[:1], COUNT, first_seed()).action[0]
    np.testing.assert_array_equal(actions[0], argmax)


def first_seed() -> np.ndarray:
  random = tiny_agent.make_random(5)
  random.random()
  return random.integers(2**31, size=2, dtype=np.int32)


@pytest.mark.parametrize(('epsilon', 'dtype'), [(0.0, np.float64), (1.0, np.float32)])
def test_actions_are_of_the_environment(
  network: QMLENetwork, epsilon: float, dtype: type
) -> None:
  spec = specs.BoundedArray((2, 1), dtype, [[-3.0], [0.5]], [[-1.0], [8.5]])
  space = dataclasses.replace(tiny_agent.SPACE, spec=spec)
  actions = act(make_actor(Source(network), epsilon, space=space))
  for action in actions:
    assert spec.validate(action).dtype == dtype
  expected, _ = expected_actions(network, epsilon)
  expected = np.array([-2.0, 4.5]) + np.array([1.0, 4.0]) * expected
  np.testing.assert_allclose(actions[:, :, 0], expected, atol=1e-5)


def test_exploration_is_uniform(network: QMLENetwork) -> None:
  actor = make_actor(Source(network), epsilon=1.0)
  actions = np.concatenate([act(actor) for _ in range(100)])  # [1200, A]
  counts, *_ = np.histogramdd(actions, bins=4, range=[(-1, 1), (-1, 1)])
  # 75 expected in each of the 16 cells, with a standard deviation of 8.4.
  assert counts.sum() == 1200 and counts.min() > 40 and counts.max() < 110
  assert np.all(np.abs(actions).max(axis=0) > 0.99)


def test_half_of_exploration_is_near_an_action_that_does_nothing(
  network: QMLENetwork,
) -> None:
  spec = NoopArray((2,), np.float32, -1.0, 1.0, [0.5, 0.0])
  space = dataclasses.replace(tiny_agent.SPACE, spec=spec)
  actor = make_actor(Source(network), epsilon=1.0, space=space)
  actions = np.concatenate([act(actor) for _ in range(100)])  # [1200, A]
  kept = (actions == spec.noop).sum(axis=1)
  # Of both dimensions each is drawn anew half of the time, in every other action.
  shares = np.bincount(kept, minlength=3) / len(actions)
  np.testing.assert_allclose(shares, [0.5 + 0.125, 0.25, 0.125], atol=0.05)


def test_exploration_does_not_follow_an_environment_of_the_same_seed(
  network: QMLENetwork,
) -> None:
  environment = np.random.default_rng(5)  # As gymnasium's, and our synthetic ones'.
  observed = environment.uniform(-1.0, 1.0, (300, 2))
  # Both draw the same candidates, so that they differ where one explores.
  actors = [make_actor(Source(network), epsilon, seed=5) for epsilon in (0.0, 0.5)]
  greedy, actions = (
    np.stack([actor.select_action(OBSERVATIONS[0]) for _ in observed])
    for actor in actors
  )
  explores = np.any(greedy != actions, axis=1)

  assert explores.mean() == pytest.approx(0.5, abs=0.1)
  # Of independent ones the standard deviation is 0.06.
  correlations = [np.corrcoef(explores, o)[0, 1] for o in observed.T]
  np.testing.assert_allclose(correlations, 0.0, atol=0.25)


def test_same_seed_same_actions_to_the_last_bit(network: QMLENetwork) -> None:
  first, again = (act(make_actor(Source(network), epsilon=0.5)) for _ in range(2))
  np.testing.assert_array_equal(first, again)


def test_variables_are_fetched_every_period_and_acted_upon() -> None:
  network = QMLENetwork.make(tiny_agent.SPACE, OBSERVATION_SIZE, CONFIG, seed=2)
  scramble(network, seed=2)
  source = Source(network)
  actor = make_actor(source, epsilon=0.0, period=3)
  old, _ = expected_actions(network, epsilon=0.0)
  scramble(network, seed=3)
  new, _ = expected_actions(network, epsilon=0.0)
  assert np.mean(np.all(np.abs(new - old) < 0.1, axis=1)) < 0.5
  for requests in (1, 1, 2, 2, 2, 3):
    actor.update(wait=True)
    assert source.requests == requests
  np.testing.assert_allclose(act(actor), new, atol=1e-6)


def test_acting_goes_on_while_variables_are_fetched() -> None:
  network = QMLENetwork.make(tiny_agent.SPACE, OBSERVATION_SIZE, CONFIG, seed=2)
  source = Source(network)
  actor = make_actor(source, epsilon=0.0)
  old, _ = expected_actions(network, epsilon=0.0)
  scramble(network, seed=3)
  new, _ = expected_actions(network, epsilon=0.0)
  source.is_open.clear()
  actor.update()
  np.testing.assert_allclose(actor.select_action(OBSERVATIONS[0]), old[0], atol=1e-6)
  source.is_open.set()
  deadline = time.monotonic() + 20.0
  while source.requests < 3 and time.monotonic() < deadline:
    actor.update()  # Asks a third time when it has taken the second answer.
  actions = [actor.select_action(observation) for observation in OBSERVATIONS[1:]]
  np.testing.assert_allclose(actions, new[1:], atol=1e-6)


def test_an_action_lasts_for_several_steps_but_not_over_the_end_of_an_episode(
  network: QMLENetwork,
) -> None:
  actor = make_actor(Source(network), 1.0, exploration=Exploration(1.0, steps=4))
  first_lengths = set()
  last: np.ndarray | None = None
  for _ in range(20):
    actor.observe_first(dm_env.restart(OBSERVATIONS[0]))
    actions = act(actor)[:, 0]  # 12 steps.
    assert actions[0] != last
    last = actions[-1]
    changes = np.flatnonzero(np.diff(actions)) + 1
    assert np.all(np.diff(changes) == 4)
    assert 12 - changes[-1] <= 4
    first_lengths.add(changes[0])
  assert first_lengths == {1, 2, 3, 4}  # An episode begins in the midst of one.


def test_epsilon_is_the_share_of_steps_that_explore_however_long_they_last(
  network: QMLENetwork,
) -> None:
  actor = make_actor(Source(network), 0.3, exploration=Exploration(0.3, steps=5))
  best = worked_out.q_values(
    network, OBSERVATIONS[:1], np.linspace(-1, 1, 41)[None, :, None] * np.ones(2)
  )
  assert np.ptp(best) > 0.1  # What is best is no matter of chance.
  actions = np.stack([actor.select_action(OBSERVATIONS[0]) for _ in range(1000)])
  held = np.all(actions[1:] == actions[:-1], axis=1)
  # Four of five steps that explore repeat the one before: 0.24, deviation 0.03.
  assert held.mean() == pytest.approx(0.24, abs=0.1)


def test_a_wide_episode_explores_for_as_long_as_it_lasts(network: QMLENetwork) -> None:
  exploration = Exploration(0.0, wide_episodes=1.0, wide_steps=3)
  actor = make_actor(Source(network), 0.0, exploration=exploration)
  begin_after(actor, reward=0.0)
  assert actor.episode_record()['epsilon'] == 0.5
  actions = np.stack([actor.select_action(OBSERVATIONS[0]) for _ in range(1_000)])
  held = np.all(actions[1:] == actions[:-1], axis=1)
  # Of three steps that explore two repeat the one before: 1/3, deviation 0.02. The best
  # of candidates drawn anew is hardly ever the same.
  assert held.mean() == pytest.approx(1 / 3, abs=0.1)


def test_wide_episodes_follow_those_without_reward(network: QMLENetwork) -> None:
  exploration = Exploration(0.1, wide_episodes=1.0)
  actor = make_actor(Source(network), 0.1, exploration=exploration)
  actor.observe_first(dm_env.restart(OBSERVATIONS[0]))
  epsilons = [actor.episode_record()['epsilon']]
  for reward in (0.0, 0.0, -1.0, 0.0):
    begin_after(actor, reward)
    epsilons.append(actor.episode_record()['epsilon'])
  assert epsilons == [0.1, 0.5, 0.5, 0.1, 0.5]


def begin_after(actor: QMLEActor, reward: float) -> None:
  """Has an actor begin an episode after one with such a reward, and one without."""
  actor.observe_first(dm_env.restart(OBSERVATIONS[0]))
  for r_t in (reward, 0.0):
    action = actor.select_action(OBSERVATIONS[0])
    actor.observe(action, dm_env.transition(r_t, OBSERVATIONS[1]))
  actor.observe_first(dm_env.restart(OBSERVATIONS[0]))


def test_predictors_draw_actions_that_explore() -> None:
  network = QMLENetwork.make(tiny_agent.SPACE, OBSERVATION_SIZE, CONFIG, seed=1)
  exploration = Exploration(1.0, from_predictors=1.0)
  actor = make_actor(Source(network), 1.0, exploration=exploration)
  actions = np.stack([act(actor) for _ in range(30)])  # [30, 12, A]
  means = np.tanh(network.ensemble.predictors[0](network.q.embed(OBSERVATIONS)))
  is_mean = np.all(np.isclose(actions, means, atol=1e-5), axis=2)
  is_on_grid = np.all(np.isin(actions, [-1.0, 0.0, 1.0]), axis=2)
  assert np.all(is_mean | is_on_grid)
  assert is_mean.mean() == pytest.approx(1 / 3, abs=0.15)  # Of the shares 0.2 and 0.4.


def test_what_q_promises_stands_beside_what_came(network: QMLENetwork) -> None:
  actor = make_actor(Source(network), 1.0)
  actor.observe_first(dm_env.restart(OBSERVATIONS[0]))
  assert actor.episode_record() == {'epsilon': 1.0}
  candidates = worked_out.propose(network, OBSERVATIONS[:1], COUNT, first_seed())
  value = worked_out.q_values(network, OBSERVATIONS[:1], candidates).numpy().max()
  for reward, discount in ((4.0, 1.0), (8.0, 0.5), (32.0, 0.0)):
    action = actor.select_action(OBSERVATIONS[0])
    actor.observe(action, dm_env.transition(reward, OBSERVATIONS[1], discount))
  record = actor.episode_record()
  assert record.keys() == {'epsilon', 'q_start', 'discounted_return'}
  assert record['q_start'] == pytest.approx(10.0 * value, rel=1e-4)
  assert {type(number) for number in record.values()} == {float}  # For Courier.
  assert record['discounted_return'] == 4.0 + 0.5 * 8.0 + 0.5 * 0.25 * 32.0
