"""Items: what an environment hands over of them."""

import pickle
from typing import Any

import gymnasium
import numpy as np
import pytest
from dm_env import specs

from qmle_acme import actions
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
