"""An action that does nothing: how an environment tells it, and what is near it."""

import pickle
from typing import Any

import gymnasium
import numpy as np
import pytest
import tensorflow as tf
from dm_env import specs
from gymnasium import spaces

from qmle_acme import actions
from qmle_acme.environments import gymnasium as adapter
from qmle_acme.errors import UserError

BOX = actions.NoopArray((2,), np.float32, [0, -1], [4, 1], [4, 0], 'valves')
SWITCHES = actions.NoopArray((3,), np.int64, -1, 1, 0)
SPECS = {
  'box': (BOX, [1.0, 0.0]),
  'discrete': (SWITCHES, [1.0, 1.0, 1.0]),
  'hybrid': ({'a': SWITCHES, 'b': BOX}, [1.0, 0.0, 1.0, 1.0, 1.0]),
}
every_spec = pytest.mark.parametrize(('spec', 'noop'), SPECS.values(), ids=SPECS)


@pytest.mark.parametrize('change', ['pickle', 'replace'])
def test_noop_is_not_lost_on_the_way(change: str) -> None:
  if change == 'pickle':
    again = pickle.loads(pickle.dumps(BOX))
    assert again == BOX
  else:
    again = BOX.replace(name='doors')
    assert again.name == 'doors'
  np.testing.assert_array_equal(again.noop, [4.0, 0.0])
  np.testing.assert_array_equal(again.maximum, [4.0, 1.0])


def test_noop_out_of_bounds_is_refused() -> None:
  with pytest.raises(ValueError, match='bound'):
    BOX.replace(noop=[5, 0])
  with pytest.raises(ValueError, match='broadcast'):
    BOX.replace(noop=[1, 2, 3])


@every_spec
def test_space_has_it_in_its_own_coordinates(spec: Any, noop: list[float]) -> None:
  space = actions.make(spec, bins=3)
  assert space.noop is not None
  np.testing.assert_array_equal(space.noop, noop)


def test_nest_of_which_a_part_tells_none_has_none() -> None:
  spec = {'a': SWITCHES, 'b': specs.BoundedArray((1,), np.float32, 0, 1)}
  assert actions.make(spec, bins=3).noop is None


@every_spec
def test_near_it_one_dimension_in_the_mean_is_drawn_anew(
  spec: Any, noop: list[float]
) -> None:
  space = actions.make(spec, bins=3)
  near = space.sample_near_noop((2, 4_000), tf.constant([1, 2])).numpy()
  assert near.shape == (2, 4_000, space.size) and near.dtype == np.float32
  np.testing.assert_array_equal(near, space.clip(near))
  # A draw leaves one digit in three as it is, and no continuous dimension.
  moves = np.repeat([1.0, 2 / 3], [space.num_continuous, len(space.digit_counts)])
  share = (near != np.array(noop)).mean(axis=(0, 1))
  np.testing.assert_allclose(share, moves / space.size, atol=0.02)
  other = space.sample_near_noop((2, 4_000), tf.constant([1, 3])).numpy()
  assert (near != other).any()


def _space(noop: Any = None) -> spaces.Space:
  space: Any = spaces.Dict(
    {
      'line': spaces.Discrete(4, start=2),
      'valves': spaces.Tuple([spaces.Box(-1.0, 1.0, (2,)), spaces.MultiBinary(2)]),
    }
  )
  space.noop = noop
  return space


def _spec(space: spaces.Space) -> Any:
  environment: Any = gymnasium.Env()
  environment.action_space = space
  environment.observation_space = spaces.Box(0.0, 1.0, (1,))
  return adapter.Adapter(environment, 0).action_spec()


def test_gymnasium_tells_it_as_an_attribute_of_the_action_space() -> None:
  noop = {'line': 3, 'valves': (np.array([0.5, 0.0]), np.array([0, 1]))}
  space = actions.make(_spec(_space(noop)), bins=3)
  assert space.noop is not None
  np.testing.assert_array_equal(space.noop, [0.5, 0.0, 1.0, 0.0, 1.0])
  assert actions.make(_spec(_space()), bins=3).noop is None


@pytest.mark.parametrize(
  'noop',
  [
    0,
    {'line': 3},
    {'line': 9, 'valves': (np.zeros(2), np.zeros(2))},
    {'line': 3, 'valves': (np.full(2, 2.0), np.zeros(2))},
    {'line': 3, 'valves': (np.zeros(3), np.zeros(2))},
    {'line': 3, 'valves': (np.full(2, np.nan), np.zeros(2))},
    {'line': 'x', 'valves': (np.zeros(2), np.zeros(2))},
  ],
)
def test_what_is_no_action_is_refused_in_one_line(noop: Any) -> None:
  with pytest.raises(UserError, match='noop of the action space is none of') as error:
    _spec(_space(noop))
  assert '\n' not in str(error.value)


def test_items_have_none() -> None:
  space: Any = spaces.Discrete(3)
  space.features, space.noop = np.eye(3), 0
  with pytest.raises(UserError, match='items with features have none'):
    _spec(space)
