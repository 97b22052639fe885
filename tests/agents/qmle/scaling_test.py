"""Returns of any scale: the same learner, step by step, in any unit of rewards."""

import numpy as np
import pytest
import tensorflow as tf
import tiny_agent
import worked_out
from tiny_agent import CONFIG, OBSERVATION_SIZE, SPACE, Store, cached_actions

from qmle_acme.agents.qmle.learning import QMLELearner
from qmle_acme.agents.qmle.networks import QMLENetwork
from qmle_acme.agents.qmle.scaling import RewardScale, rescale
from qmle_acme.types import Sample

STEPS = 25


def in_another_unit(sample: Sample, factor: float) -> Sample:
  transition = sample.transition
  return sample._replace(transition=transition._replace(r_t=factor * transition.r_t))


def growing(samples: list[Sample]) -> list[Sample]:
  """Returns the batches with rewards that are small, then larger and larger."""
  return [in_another_unit(s, 0.1 * (i + 1)) for i, s in enumerate(samples)]


def learn(samples: list[Sample]) -> tuple[QMLELearner, tiny_agent.Priorities]:
  learner, priorities = tiny_agent.make_learner(samples)
  for _ in samples:
    learner.step()
  return learner, priorities


def q_values(learner: QMLELearner, sample: Sample) -> np.ndarray:
  """Returns Q(o_tm1, a_tm1), [B], in the unit of the rewards."""
  o_tm1, a_tm1 = sample.transition.o_tm1, sample.transition.a_tm1
  q_tm1 = worked_out.q_values(learner.state['network'], o_tm1, a_tm1[:, None])[:, 0]
  return learner.state['reward_scale'].numpy() * q_tm1.numpy()


# To the last bit with a power of two; else divisions round.
@pytest.mark.parametrize(
  ('factor', 'tolerance'),
  [(2.0**-40, 0.0), pytest.param(1000.0, 1e-3, marks=pytest.mark.slow)],
)
def test_learning_does_not_depend_on_the_unit(factor: float, tolerance: float) -> None:
  store = Store(seed=8)
  samples = growing(tiny_agent.take(store.batches(seed=1), STEPS))
  learner, expected = learn(samples)
  other, priorities = learn([in_another_unit(s, factor) for s in samples])
  for (_, one), (_, two) in zip(expected.sent, priorities.sent, strict=True):
    np.testing.assert_allclose(two, one, rtol=tolerance)
  np.testing.assert_allclose(
    cached_actions(other, store.keys),
    cached_actions(learner, store.keys),
    rtol=tolerance,
  )
  np.testing.assert_allclose(
    q_values(other, samples[0]), factor * q_values(learner, samples[0]), rtol=tolerance
  )
  before, after = (x.get_variables(['max_priority'])[0][0] for x in (learner, other))
  assert after == pytest.approx(before, rel=tolerance)


def test_unit_is_the_largest_reward_so_far() -> None:
  scale = RewardScale(n_step=1, discount=0.5)
  assert scale.numpy() == 1.0
  assert scale.include(tf.zeros(3)) == 1.0 and scale.numpy() == 1.0
  # Before there was a unit nothing was learned that would have to be kept.
  assert scale.include(tf.constant([0.0, -0.25])) == 1.0 and scale.numpy() == 0.25
  assert scale.include(tf.constant([0.125, 0.0])) == 1.0 and scale.numpy() == 0.25
  assert scale.include(tf.constant([2.0, -1.0])) == 0.125 and scale.numpy() == 2.0


def test_unit_is_that_of_one_reward_where_several_are_summed() -> None:
  scale = RewardScale(n_step=3, discount=0.5)
  scale.include(tf.constant([3.5, -7.0]))  # 4 x (1 + 0.5 + 0.25).
  assert scale.numpy() == 4.0


def test_q_values_stay_what_they_were_when_the_unit_changes() -> None:
  network = QMLENetwork.make(SPACE, OBSERVATION_SIZE, CONFIG, seed=3)
  sample = Store(seed=2).draw(range(4))
  o_t, actions = sample.transition.o_t, sample.transition.a_tm1[:, None]
  before = worked_out.q_values(network, o_t, actions).numpy()
  best = network.argmax(o_t, 8, tf.constant([1, 2]))
  rescale([network], tf.constant(0.125))
  after = worked_out.q_values(network, o_t, actions).numpy()
  np.testing.assert_allclose(after, 0.125 * before, rtol=1e-5, atol=1e-7)
  again = network.argmax(o_t, 8, tf.constant([1, 2]))
  np.testing.assert_array_equal(again.action, best.action)
