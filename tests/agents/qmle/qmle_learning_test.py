"""The QMLE learner: its steps, worked out by hand.

B batch, A action dimensions.
"""

import dataclasses
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf
import tiny_agent
import worked_out
from tiny_agent import (
  CONFIG,
  OBSERVATION_SIZE,
  SPACE,
  Store,
  all_equal,
  arrays,
  cached_actions,
  make_learner,
)

from qmle_acme.agents import metrics
from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.agents.qmle.critic import decays
from qmle_acme.agents.qmle.learning import QMLELearner
from qmle_acme.agents.qmle.networks import QMLENetwork
from qmle_acme.agents.qmle.parameters import Parameters
from qmle_acme.agents.qmle.predictors import families
from qmle_acme.types import Sample

SEED = 7
ADAM_DECAY, ADAM_SQUARE_DECAY, ADAM_EPSILON = 0.9, 0.999, 1e-8


@pytest.fixture(autouse=True)
def metrics_of_each_step(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setattr(metrics, 'PERIOD_SECONDS', 0.0)


def moments(learner: QMLELearner, name: str, prefix: str = '') -> list[np.ndarray]:
  """Returns Adam's moments 'm' or 'v' of a critic."""
  return [value.numpy() for value in getattr(learner.state[f'{prefix}optimizer'], name)]


def by_adam(
  variable: np.ndarray, m: np.ndarray, v: np.ndarray, step: int, rate: float
) -> np.ndarray:
  """Returns the variable after an Adam step with the moments after it."""
  m_hat = m / (1.0 - ADAM_DECAY**step)
  v_hat = v / (1.0 - ADAM_SQUARE_DECAY**step)
  return variable - rate * m_hat / (np.sqrt(v_hat) + ADAM_EPSILON)


def assert_metrics(
  record: dict[str, float], expected: worked_out.Step, unit: float
) -> None:
  """Compares what is written of a step; the proposal's counts are 2, 1 and 2."""
  for name, value in {
    'q_tm1': unit * expected.q_tm1.mean(),
    'q_max': unit * expected.q_max.mean(),
    'reward_scale': unit,
    'q_loss': expected.q_loss,
    'predictor_loss': expected.predictor_loss,
    'td_error': unit * np.abs(expected.td_error).mean(),
    'importance_weight': expected.weights.mean(),
    'winner/uniform': expected.winners[:, :2].any(axis=1).mean(),
    'winner/delta': expected.winners[:, 2:3].any(axis=1).mean(),
    'winner/categorical': expected.winners[:, 3:5].any(axis=1).mean(),
    'winner/cache': expected.winners[:, 5:].any(axis=1).mean(),
  }.items():
    assert record[name] == pytest.approx(value, rel=1e-4, abs=1e-6), name


class Before(NamedTuple):
  """What a step changes, as it was before."""

  network: list[np.ndarray]
  target_network: list[np.ndarray]
  m: list[np.ndarray]
  v: list[np.ndarray]

  @classmethod
  def of(cls, learner: QMLELearner, prefix: str = '') -> 'Before':
    names = (f'{prefix}network', f'{prefix}target_network')
    network, target = (learner.state[name] for name in names)
    m, v = (moments(learner, name, prefix) for name in 'mv')
    return cls(arrays(network), arrays(target), m, v)


def assert_optimised(
  learner: QMLELearner,
  before: Before,
  gradients: Sequence[np.ndarray | None],
  config: QMLEConfig,
  prefix: str = '',
) -> None:
  """Compares Adam's moments and the network after a step.

  The gradients are seen in the first moment: Adam scales up the noise in small ones.
  Variables without a gradient rest.
  """
  after = Before.of(learner, prefix)
  steps = int(learner.state[f'{prefix}optimizer'].step)
  rate = config.learning_rate
  if config.learning_rate_half_life:
    rate /= 2 ** ((steps - 1) / config.learning_rate_half_life)
  for gradient, old_m, old_v, m, v in zip(
    gradients, before.m, before.v, after.m, after.v, strict=True
  ):
    if gradient is None:
      assert all_equal([m, v], [old_m, old_v])
      continue
    m_expected = ADAM_DECAY * old_m + (1 - ADAM_DECAY) * gradient
    v_expected = ADAM_SQUARE_DECAY * old_v + (1 - ADAM_SQUARE_DECAY) * gradient**2
    np.testing.assert_allclose(m, m_expected, rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(v, v_expected, rtol=2e-3, atol=1e-9)
  for gradient, old, new, m, v in zip(
    gradients, before.network, after.network, after.m, after.v, strict=True
  ):
    decays = old.ndim == 2 and gradient is not None
    decay = 1 - rate * config.weight_decay if decays else 1
    np.testing.assert_allclose(new, by_adam(decay * old, m, v, steps, rate), atol=1e-6)
  share = config.target_update_rate if learner.steps % 3 == 0 else 0.0
  for old, new, target in zip(
    before.target_network, after.network, after.target_network, strict=True
  ):
    np.testing.assert_allclose(target, (1 - share) * old + share * new, atol=1e-6)


@pytest.mark.parametrize(
  'changes',
  [
    {},
    {'mle_target': 'cached'},
    {'use_cache': False, 'scale_rewards': False},
    {'action_gap': 0.5},
    {'critics': 2, 'target_update_rate': 0.25, 'weight_decay': 0.5},
    {'critics': 2, 'learning_rate_half_life': 2, 'weight_decay': 0.5},
  ],
)
def test_steps_are_those_worked_out_by_hand(changes: dict[str, Any]) -> None:
  config = dataclasses.replace(CONFIG, target_update_period=3, **changes)
  store = Store(seed=2)
  # All new; some seen before; one twice in a batch, first new and then known.
  batches = [[0, 1, 2, 3], [2, 3, 4, 5], [6, 6, 0, 4], [6, 6, 1, 1], [0, 1, 2, 3]]
  samples = [store.draw(batch) for batch in batches]
  written: list[dict[str, float]] = []
  learner, priorities = make_learner(samples, SEED, config, written.append)
  prefixes = ['', 'second_'][: config.critics]
  networks = [learner.state[f'{prefix}network'] for prefix in prefixes]
  targets = [learner.state[f'{prefix}target_network'] for prefix in prefixes]
  for network, target in zip(networks, targets, strict=True):
    assert all_equal(arrays(network), arrays(target))
  known: dict[int, np.ndarray] = {}
  largest, max_priority, mle_targets_differ = 0.0, 1.0, False

  for number, sample in enumerate(samples):
    seed = np.array([SEED, number])
    old, largest = largest, max(largest, np.abs(sample.transition.r_t).max())
    unit = largest if config.scale_rewards else 1.0
    factor = old / unit if old and config.scale_rewards else 1.0
    with worked_out.rescaled((*networks, *targets), factor):
      pairs = itertools.chain(*zip(networks, targets, strict=True))
      expected = worked_out.step(known, sample, config, seed, unit, *pairs)
      before = [Before.of(learner, prefix) for prefix in prefixes]
    is_hit = [key in known for key in sample.keys.numpy().tolist()]
    learner.step()

    assert_optimised(learner, before[0], expected.gradients, config)
    if config.critics == 2:
      second = before[1], expected.second_gradients
      assert_optimised(learner, *second, config, 'second_')
    keys, sent = priorities.sent[-1]
    np.testing.assert_array_equal(keys, sample.keys)
    np.testing.assert_allclose(sent, np.abs(expected.td_error) + 1e-6, rtol=1e-4)
    if config.use_cache:
      for i in np.argsort(expected.q_max):  # Of one item twice, the better.
        known[int(keys[i])] = expected.best_action[i]
      cached = cached_actions(learner, np.array(list(known)))
      np.testing.assert_allclose(cached, list(known.values()), atol=1e-6)
    assert len(learner.state['cache']) == len(known)
    max_priority = max(1.0, factor * max_priority, sent.max())
    published = learner.get_variables(['max_priority', 'reward_scale'])
    np.testing.assert_allclose(published, [[max_priority], [unit]], rtol=1e-6)
    assert_metrics(written[-1], expected, unit)
    assert written[-1]['cache_hit_rate'] == np.mean(is_hit)
    assert written[-1]['priority_max'] == pytest.approx(max_priority)
    assert learner.steps == written[-1]['learner_steps'] == number + 1
    mle_targets_differ |= not np.allclose(expected.mle_target, expected.best_action)

  assert max_priority > 1.0  # Or its running maximum was never put to the test.
  assert mle_targets_differ == (config.mle_target == 'cached')


def test_greedy_policy_is_an_average_of_the_online_network() -> None:
  online = dataclasses.replace(
    CONFIG, target_update_period=2, scale_rewards=False, normalize_observations=True
  )
  averaged = dataclasses.replace(online, policy_average_rate=0.25)
  samples = [Store(seed=2).draw(range(4 * i, 4 * i + 4)) for i in range(3)] * 2
  alone, _ = make_learner(samples, SEED, online)
  learner, _ = make_learner(samples, SEED, averaged)
  network = alone.state['network']
  expected = arrays(network)

  for step in range(1, 7):
    alone.step()
    learner.step()
    assert all_equal(arrays(learner.state['online_network']), arrays(network))
    if step % 2 == 0:
      expected = [
        # Statistics of observations are copied.
        old + (0.25 if new.trainable else 1.0) * (new.numpy() - old)
        for old, new in zip(expected, network.variables, strict=True)
      ]
    for one, other in zip(arrays(learner.state['network']), expected, strict=True):
      np.testing.assert_allclose(one, other, rtol=1e-6, atol=1e-6)
    published = learner.get_variables(['policy', 'online'])
    for (policy,), name in zip(published, ['network', 'online_network'], strict=True):
      values = Parameters(learner.state[name].variables).numpy()
      np.testing.assert_array_equal(policy, values)


def test_average_keeps_its_values_when_their_unit_grows() -> None:
  config = dataclasses.replace(CONFIG, policy_average_rate=0.25)
  sample = Store(seed=2).draw(range(4))
  larger = sample.transition._replace(r_t=10.0 * sample.transition.r_t)
  learner, _ = make_learner([sample, sample._replace(transition=larger)], SEED, config)

  def values() -> np.ndarray:
    o_tm1, a_tm1 = sample.transition.o_tm1, sample.transition.a_tm1[:, None]
    network, unit = learner.state['network'], learner.state['reward_scale'].numpy()
    return unit * worked_out.q_values(network, o_tm1, a_tm1).numpy()

  learner.step()
  before = values()
  learner.step()
  np.testing.assert_allclose(values(), before, rtol=1e-4)


def test_predictor_loss_reaches_the_heads_but_not_the_encoder() -> None:
  network = QMLENetwork.make(SPACE, tiny_agent.OBSERVATION_SIZE, CONFIG, SEED)
  sample = Store(seed=2).draw(range(4))
  with tf.GradientTape(persistent=True) as tape:
    embeddings = network.q.embed(sample.transition.o_t)
    loss = tf.reduce_sum(network.ensemble.loss(embeddings, sample.transition.a_tm1))
  q_variables = network.q.trainable_variables
  head_variables = network.ensemble.trainable_variables
  assert {v.ref() for v in (*q_variables, *head_variables)} == {
    v.ref() for v in network.trainable_variables
  }
  assert all(g is None for g in tape.gradient(loss, q_variables))
  assert all(np.any(g != 0.0) for g in tape.gradient(loss, head_variables))


class Fed(NamedTuple):
  """A learner that several tests use, since building one takes seconds."""

  learner: QMLELearner
  priorities: tiny_agent.Priorities
  samples: list[Sample]  # The next ones.
  written: list[dict[str, float]]


@pytest.fixture(scope='module')
def fed() -> Fed:
  samples: list[Sample] = []
  written: list[dict[str, float]] = []
  feed = (samples.pop(0) for _ in itertools.count())
  # One new candidate a step, and a target network that stays as it is.
  config = dataclasses.replace(CONFIG, m_target=1, target_update_period=1_000)
  learner, priorities = make_learner(feed, SEED, config, written.append)
  return Fed(learner, priorities, samples, written)


def test_target_at_a_termination_is_the_reward_whatever_q_is(fed: Fed) -> None:
  sample = Store(seed=3).draw(range(4))
  transition = sample.transition._replace(d_t=tf.zeros(4))
  state = fed.learner.state
  bias = state['target_network'].q.output.b
  bias.assign([1e6])
  q_tm1 = worked_out.q_values(
    state['network'], transition.o_tm1, transition.a_tm1[:, None]
  )[:, 0]
  fed.samples.append(sample._replace(transition=transition))
  fed.learner.step()
  bias.assign([0.0])
  r_t = transition.r_t / np.abs(transition.r_t).max()
  expected = np.abs(r_t - q_tm1) + 1e-6
  np.testing.assert_allclose(fed.priorities.sent[-1][1], expected, rtol=1e-4)
  assert fed.written[-1]['q_max'] > 1e5


def test_best_known_action_never_gets_worse_for_a_fixed_target_network(
  fed: Fed,
) -> None:
  learner, written = fed.learner, fed.written
  sample = Store(seed=4).draw(range(4))
  o_t, keys = sample.transition.o_t, sample.keys.numpy()
  fed.samples.extend([sample] * 31)
  target = learner.state['target_network']
  actions, values = [sample.transition.a_tm1.numpy()], []
  for _ in range(30):
    learner.step()
    actions.append(cached_actions(learner, keys))
  for action in actions:
    values.append(worked_out.q_values(target, o_t, action[:, None])[:, 0].numpy())

  gains = np.diff(values, axis=0)  # [steps, B]
  assert np.all(gains > -1e-6)
  assert np.sum(gains.max(axis=0) > 1e-3) >= 3  # Better ones have been found,
  assert np.mean(np.abs(gains) < 1e-6) > 0.5  # and mostly the known one was best.
  assert [m['cache_hit_rate'] for m in written[-30:]] == [0.0] + [1.0] * 29

  # One that is known to be better than all that are proposed is taken, and stays.
  grid = np.tile(np.mgrid[-1:1:41j, -1:1:41j].reshape(1, 2, -1), [4, 1, 1])
  grid = np.moveaxis(grid, 1, 2).astype(np.float32)  # [B, 41 * 41, A]
  grid_values = worked_out.q_values(target, o_t, grid).numpy()
  best = grid[np.arange(4), grid_values.argmax(axis=1)]
  learner.state['cache'].update(sample.keys, tf.constant(best), tf.zeros(4))
  learner.step()
  np.testing.assert_array_equal(cached_actions(learner, keys), best)
  assert written[-1]['winner/cache'] == 1.0
  q_max = written[-1]['reward_scale'] * grid_values.max(axis=1).mean()
  assert written[-1]['q_max'] == pytest.approx(q_max, rel=1e-4)


def test_metrics_are_means_over_the_steps_of_a_period(
  fed: Fed, monkeypatch: pytest.MonkeyPatch
) -> None:
  store = Store(seed=5)
  steps = fed.learner.steps
  fed.written.clear()
  fed.samples.extend([store.draw(range(4)), store.draw(range(2, 6))])
  monkeypatch.setattr(metrics, 'PERIOD_SECONDS', 1e9)
  fed.learner.step()
  assert not fed.written
  monkeypatch.setattr(metrics, 'PERIOD_SECONDS', 0.0)
  fed.learner.step()
  (record,) = fed.written
  assert record['learner_steps'] == steps + 2
  assert record['cache_hit_rate'] == 0.25  # Of no key, then of two of four.
  mean = np.mean([sent for _, sent in fed.priorities.sent[-2:]])
  assert record['priority_mean'] == pytest.approx(mean, rel=1e-5)


def test_gain_of_a_predictor_is_what_it_adds_to_the_best_of_uniform_ones() -> None:
  written: list[dict[str, float]] = []
  sample = Store(seed=7).draw(range(12))
  learner, _ = make_learner([sample], SEED, write_metrics=written.append)
  learner.step()
  target, o_t = learner.state['target_network'], sample.transition.o_t
  seed = np.array([SEED, 1])  # That of the next step.
  candidates = worked_out.propose(target, o_t, CONFIG.m_target, seed)
  values = worked_out.q_values(target, o_t, candidates).numpy()  # [B, 2 + 1 + 2]
  uniform = values[:, :2].max(axis=1)
  unit = written[-1]['reward_scale']
  for name, own in {'delta': values[:, 2:3], 'categorical': values[:, 3:]}.items():
    gain = unit * np.maximum(own.max(axis=1) - uniform, 0.0).mean()
    assert written[-1][f'gain/{name}'] == pytest.approx(gain, rel=1e-4, abs=1e-6)
  assert any(written[-1][f'gain/{name}'] > 0 for name in ('delta', 'categorical'))


def test_metrics_that_are_pending_can_be_written(
  fed: Fed, monkeypatch: pytest.MonkeyPatch
) -> None:
  monkeypatch.setattr(metrics, 'PERIOD_SECONDS', 1e9)
  fed.samples.append(Store(seed=6).draw(range(4)))
  fed.learner.step()
  fed.written.clear()

  fed.learner.write_metrics()
  fed.learner.write_metrics()

  (record,) = fed.written  # The second time there was nothing to write.
  assert record['learner_steps'] == fed.learner.steps


def test_published_policy_is_the_online_network(fed: Fed) -> None:
  fed.samples.append(Store(seed=6).draw(range(4)))
  fed.learner.step()
  policy, priority = fed.learner.get_variables(['policy', 'max_priority'])
  online, target = (
    Parameters(fed.learner.state[name].variables).numpy()
    for name in ('network', 'target_network')
  )
  assert all_equal(policy, [online])
  assert not all_equal(policy, [target])
  assert priority == [fed.learner.state['max_priority'].numpy()]


def test_matrices_decay_and_biases_do_not() -> None:
  members = tuple(families()[name](0.1) for name in ('delta', 'autoregressive'))
  config = dataclasses.replace(CONFIG, uniform_ratio=0.8, predictors=members)
  network = QMLENetwork.make(SPACE, OBSERVATION_SIZE, config, seed=1)
  variables = network.trainable_variables
  names = {v.name.rpartition('/')[2] for v in variables if decays(v)}
  assert names == {'w:0', 'v:0'}
  assert {v.name.rpartition('/')[2] for v in variables} > {'w:0', 'v:0', 'b:0'}
