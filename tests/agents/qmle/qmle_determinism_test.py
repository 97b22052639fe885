"""Determinism: the same seed gives the same learner, to the last bit."""

import dataclasses
import pathlib
from typing import Any

import numpy as np
import pytest
import sonnet as snt
import tensorflow as tf
import tiny_agent
from tiny_agent import CONFIG, SPACE, Store, all_equal, arrays, cached_actions

from qmle_acme.agents.qmle.learning import QMLELearner
from qmle_acme.agents.qmle.networks import QMLENetwork


def snapshot(learner: QMLELearner, keys: np.ndarray) -> list[np.ndarray]:
  """Returns every number that a learner has; `keys` are all that it has seen."""
  state = learner.state
  numbers = [cached_actions(learner, keys), np.asarray(len(state['cache']))]
  for name in sorted(state.keys() - {'cache'}):
    part = state[name]
    if isinstance(part, snt.optimizers.Adam):
      numbers += [moment.numpy() for moment in (*part.m, *part.v, part.step)]
      numbers.append(np.asarray(part.learning_rate))
    elif isinstance(part, tf.Module):
      numbers += arrays(part)
    else:
      numbers.append(part.numpy())
  return numbers


def run(learner: QMLELearner, steps: int) -> None:
  for _ in range(steps):
    learner.step()


def sent_by(priorities: tiny_agent.Priorities) -> list[np.ndarray]:
  return [sent for _, sent in priorities.sent]


def test_networks_are_a_function_of_the_seed() -> None:
  size = tiny_agent.OBSERVATION_SIZE
  network = QMLENetwork.make(SPACE, size, CONFIG, seed=11)
  first = arrays(network)
  tf.random.normal([3])  # Whatever was drawn in between.
  again = arrays(QMLENetwork.make(SPACE, size, CONFIG, seed=11))
  other = arrays(QMLENetwork.make(SPACE, size, CONFIG, seed=12))
  assert all_equal(first, again)
  for variable, one, two in zip(network.variables, first, other, strict=True):
    # Norms start at scale 1 and offset 0; everything else is drawn.
    is_drawn = 'layer_norm' not in variable.name
    assert is_drawn != np.array_equal(one, two), variable.name


@pytest.mark.parametrize(
  'changes',
  [
    {},
    {'policy_average_rate': 0.5},
    {'critics': 2},
    {'bound_values': True},
    {'learning_rate_half_life': 7},
    {'normalize_observations': True},
  ],
)
def test_same_steps_to_the_last_bit_again_and_from_a_checkpoint(
  tmp_path: pathlib.Path, changes: dict[str, Any]
) -> None:
  store = Store(seed=8)
  samples = tiny_agent.take(store.batches(seed=1), 25)
  config = dataclasses.replace(CONFIG, **changes)
  uninterrupted, expected = tiny_agent.make_learner(samples, config=config)
  run(uninterrupted, 25)
  numbers = snapshot(uninterrupted, store.keys)
  assert all(np.isfinite(array).all() for array in numbers)
  assert len(uninterrupted.state['cache']) == len(store.keys)

  again, priorities = tiny_agent.make_learner(samples, config=config)
  run(again, 10)
  path = tf.train.Checkpoint(**again.state).save(str(tmp_path / 'learner'))
  tenth = snapshot(again, store.keys)
  run(again, 15)
  assert all_equal(snapshot(again, store.keys), numbers)
  assert all_equal(sent_by(priorities), sent_by(expected))

  resumed, priorities = tiny_agent.make_learner(samples[10:], config=config)
  status = tf.train.Checkpoint(**resumed.state).restore(path)
  assert resumed.steps == 10 and not all_equal(tenth, numbers)
  run(resumed, 15)
  status.assert_consumed()
  assert all_equal(snapshot(resumed, store.keys), numbers)
  assert all_equal(sent_by(priorities), sent_by(expected)[10:])
