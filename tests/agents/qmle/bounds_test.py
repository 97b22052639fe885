"""What values can be at most and at least. B batch."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_agent import CONFIG, Store, make_learner

from qmle_acme.agents import divergence
from qmle_acme.agents.qmle.bounds import ValueBounds


def test_by_hand() -> None:
  bounds = ValueBounds()
  bounds.include(tf.constant([-1.0, 0.0]), tf.constant([0.9, 0.9]))
  np.testing.assert_allclose(bounds.clip([-20.0, -5.0, 5.0]), [-10.0, -5.0, 0.0], 1e-5)
  # A goal of 50 that ends the episode; two steps of -1 that do not.
  bounds.include(tf.constant([50.0, -1.9]), tf.constant([0.0, 0.81]))
  np.testing.assert_allclose(bounds.clip([-20.0, 5.0, 71.0]), [-10.0, 5.0, 50.0], 1e-5)


@pytest.mark.parametrize('changes', [{}, {'bound_values': True}, {'critics': 2}])
def test_what_has_not_learned_yet_can_be_saved(changes: dict) -> None:
  learner, _ = make_learner([], config=dataclasses.replace(CONFIG, **changes))
  divergence.check_state(0, learner.state)


@settings(derandomize=True, deadline=None, max_examples=50)
@given(st.integers(0, 10**6))
def test_true_values_lie_within_the_bounds(seed: int) -> None:
  random = np.random.default_rng(seed)
  states, actions = 6, 3
  r_t = random.normal(random.normal(), size=(states, actions)).astype(np.float32)
  d_t = random.choice([0.0, 0.81, 0.9], (states, actions)).astype(np.float32)
  o_t = random.integers(states, size=(states, actions))
  bounds = ValueBounds()
  bounds.include(r_t.ravel(), d_t.ravel())
  q = np.zeros((states, actions), np.float32)
  for _ in range(300):
    q = r_t + d_t * q.max(axis=1)[o_t]
  np.testing.assert_allclose(bounds.clip(q), q, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize('is_bounded', [True, False])
def test_targets_are_what_rewards_can_bring(is_bounded: bool) -> None:
  sample = Store(seed=2).draw(range(4))
  ones = tf.ones_like(sample.transition.r_t)
  transition = sample.transition._replace(r_t=-4.0 * ones, d_t=0.5 * ones)
  config = dataclasses.replace(CONFIG, bound_values=is_bounded)
  learner, priorities = make_learner(
    [sample._replace(transition=transition)], 7, config
  )
  network = learner.state['network']
  learner.state['target_network'].q.output.b.assign([90.0])
  q_tm1 = network.q_values(
    network.embed(transition.o_tm1), transition.a_tm1[:, None]
  ).numpy()[:, 0]
  learner.step()
  _, sent = priorities.sent[-1]
  # -8 for ever, which is -2 in the unit of 4; else about -1 + 90 / 2.
  expected = np.abs(-2.0 - q_tm1) if is_bounded else np.full(4, 44.0)
  np.testing.assert_allclose(sent, expected, rtol=1e-3, atol=0.0 if is_bounded else 3.0)
  assert ('value_bounds' in learner.state) == is_bounded
