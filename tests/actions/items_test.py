"""Items: what an environment hands over of them."""

import pickle
from typing import Any

import gymnasium
import numpy as np
import pytest
import tensorflow as tf
from dm_env import specs

from qmle_acme import actions
from qmle_acme.actions.nearest import NearestItems
from qmle_acme.environments import gymnasium as adapter
from qmle_acme.errors import UserError

FEATURES = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, 5.0]])


def test_an_item_array_is_a_discrete_array_with_features() -> None:
  spec = actions.ItemArray(FEATURES, name='film')
  assert isinstance(spec, specs.DiscreteArray)
  assert (spec.num_values, spec.shape, spec.name) == (3, (), 'film')
  np.testing.assert_array_equal(spec.features, FEATURES)
  with pytest.raises(ValueError, match='read-only'):
    spec.features[0] = 7.0


@pytest.mark.parametrize('change', ['pickle', 'replace'])
def test_features_are_not_lost_on_the_way(change: str) -> None:
  spec = actions.ItemArray(FEATURES)
  if change == 'pickle':
    again = pickle.loads(pickle.dumps(spec))
  else:
    again = spec.replace(name='film')
    assert again.name == 'film'
  np.testing.assert_array_equal(again.features, FEATURES)


@pytest.mark.parametrize(
  ('features', 'message'),
  [(np.zeros(3), r'\[n, F\]'), (np.zeros((0, 2)), r'\[n, F\]'), ([[np.nan]], 'finite')],
)
def test_what_is_no_table_is_refused(features: object, message: str) -> None:
  with pytest.raises(ValueError, match=message):
    actions.ItemArray(features)  # type: ignore[arg-type]


def test_gymnasium_hands_the_table_over() -> None:
  space: Any = gymnasium.spaces.Discrete(3)
  assert type(adapter.to_spec(space, 'action')) is specs.DiscreteArray
  space.features = FEATURES
  spec = adapter.to_spec(space, 'action')
  assert isinstance(spec, actions.ItemArray)
  np.testing.assert_array_equal(spec.features, FEATURES)
  space.features = FEATURES[:2]
  with pytest.raises(UserError, match='3 values and features of 2'):
    adapter.to_spec(space, 'action')


def drawn(count: int, size: int, seed: int = 0) -> np.ndarray:
  """Returns points [n, F] around ten centres."""
  random = np.random.default_rng(seed)
  centres = np.random.default_rng(7).uniform(-1.0, 1.0, (10, size))
  points = centres[random.integers(10, size=count)]
  return (points + 0.2 * random.normal(size=(count, size))).astype(np.float32)


def distances(points: np.ndarray, items: np.ndarray) -> np.ndarray:
  return np.linalg.norm(points[:, None] - items, axis=-1)


def test_of_few_items_the_nearest_is_found() -> None:
  items, points = drawn(1000, 5), drawn(50, 5, seed=1)
  found = NearestItems(items)(tf.constant(points))
  np.testing.assert_array_equal(found, distances(points, items).argmin(axis=1))


@pytest.mark.parametrize(('count', 'size'), [(1025, 1), (5000, 5), (20_000, 30)])
def test_of_many_items_one_near_by_is_found(count: int, size: int) -> None:
  items, points = drawn(count, size), drawn(200, size, seed=1)
  nearest = NearestItems(items)
  own = nearest(tf.constant(items[:500]))
  assert np.mean(own.numpy() == np.arange(500)) > 0.95
  found = distances(points, items[nearest(tf.constant(points)).numpy()])
  all_distances = distances(points, items)
  least = all_distances.min(axis=1)
  # What is lost to the nearest is far less than what is gained on any item.
  lost = (found.diagonal() - least).mean() / (all_distances.mean() - least.mean())
  assert lost < 0.25


def test_the_network_sees_features_in_place_of_digits() -> None:
  features = np.stack([np.arange(100.0), np.full(100, 7.0)], axis=1)
  space = actions.make(actions.ItemArray(features), 3)
  assert isinstance(space, actions.Items)
  assert (space.size, space.num_inputs, space.digit_counts) == (2, 2, ())
  action = space.from_environment(np.array(99))
  np.testing.assert_array_equal(space.to_environment(action), 99)
  # The least is -1, the largest 1; what is the same for all is 0.
  np.testing.assert_allclose(
    space.inputs(tf.constant([[0.0, 0.0], action])), [[-1, 0], [1, 0]]
  )
  points = tf.constant([[[-1.0, 0.9], [1.0, 0.0], [-0.5, 0.0]]])
  proposed = space.from_proposal(points)[0]
  assert [int(space.to_environment(a)) for a in proposed.numpy()] == [0, 99, 25]
