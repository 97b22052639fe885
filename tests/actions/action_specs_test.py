"""Which action specs become an action space, and what is said about the others."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from dm_env import specs

from qmle_acme import actions
from qmle_acme.errors import UserError

_MANY = np.linspace(1.0, 2.0, 38)
_LARGEST = np.finfo(np.float32).max
_REFUSED = {
  'unbounded': specs.BoundedArray((2,), np.float32, -np.inf, np.inf),
  'unbounded_above': specs.BoundedArray((2,), np.float32, [-1, -1], [1, np.inf]),
  'not_a_number': specs.BoundedArray((2,), np.float32, [np.nan, -1], 1.0),
  'largest_numbers': specs.BoundedArray((2,), np.float32, -_LARGEST, _LARGEST),
  'largest_number_above': specs.BoundedArray((2,), np.float32, 0.0, [1.0, _LARGEST]),
  'too_wide': specs.BoundedArray((2,), np.float64, -1e308, 1e308),
  'many_dimensions': specs.BoundedArray((38,), np.float32, -np.inf, _MANY),
  'empty': specs.BoundedArray((0,), np.float32, -1.0, 1.0),
  'empty_matrix': specs.BoundedArray((3, 0), np.float32, -1.0, 1.0),
  'integers_unbounded': specs.Array((2,), np.int32),
  'all_integers': specs.BoundedArray((2,), np.int32, -(2**31), 2**31 - 1),
  'empty_integers': specs.BoundedArray((0,), np.int32, 0, 3),
  'text': specs.StringArray(()),
  'too_many': specs.DiscreteArray(10**9 + 1),
  'nested': {'arm': (specs.DiscreteArray(2), specs.Array((2,), np.float32))},
  'no_leaf': {'arm': ()},
  'no_spec': {'arm': 3},
  'no_choice': specs.BoundedArray((2,), np.float32, 0.5, 0.5),
  'no_choice_in_a_nest': [specs.BoundedArray((2,), np.float32, 0.5, 0.5)],
  'no_choice_of_an_index': specs.DiscreteArray(1),
  'no_choice_of_indices': (specs.DiscreteArray(1), specs.BoundedArray((), bool, 1, 1)),
  'beyond_int64': specs.BoundedArray((2,), np.uint64, 2**63 - 2, [2**63 - 1, 2**63]),
  'beyond_int64_in_a_nest': [specs.BoundedArray((), np.uint64, 2**63, 2**63 + 3)],
  'no_bounds_declared': specs.Array((2,), np.float32),
}
_ADVICE = {
  'unbounded': 'wrap the environment so that its bounds are finite',
  'empty': 'use an environment that has actions',
  'one action alone': 'use an environment that has a choice',
  'not supported': 'wrap the environment so that it is a BoundedArray',
  'more than 1,000,000,000': 'wrap the environment so that it is several indices',
  'do not fit int64': 'wrap the environment so that they do',
  'is a int': 'dm_env.specs.BoundedArray, or tuples, lists and dictionaries of them',
}


@pytest.mark.parametrize(
  ('case', 'fault'),
  [
    ('unbounded', 'unbounded'),
    ('unbounded_above', 'unbounded'),
    ('not_a_number', 'unbounded'),
    ('largest_numbers', 'unbounded'),
    ('largest_number_above', 'unbounded'),
    ('too_wide', 'unbounded'),
    ('many_dimensions', 'unbounded'),
    ('empty', 'empty'),
    ('empty_matrix', 'empty'),
    ('no_bounds_declared', 'unbounded'),
    ('integers_unbounded', 'unbounded'),
    ('all_integers', 'unbounded'),
    ('empty_integers', 'empty'),
    ('text', 'not supported'),
    ('too_many', 'more than 1,000,000,000'),
    ('nested', 'unbounded'),
    ('no_leaf', 'empty'),
    ('no_spec', 'is a int'),
    ('no_choice', 'one action alone'),
    ('no_choice_in_a_nest', 'one action alone'),
    ('no_choice_of_an_index', 'one action alone'),
    ('no_choice_of_indices', 'one action alone'),
    ('beyond_int64', 'do not fit int64'),
    ('beyond_int64_in_a_nest', 'do not fit int64'),
  ],
)
def test_refusal_is_one_line_with_advice(case: str, fault: str) -> None:
  with pytest.raises(UserError) as error:
    actions.make(_REFUSED[case], bins=3)
  message = str(error.value)
  assert '\n' not in message and len(message) < 200
  assert fault in message
  assert _ADVICE[fault] in message


def test_refusal_shows_where_in_a_nest_the_spec_is() -> None:
  with pytest.raises(UserError, match=r"^action spec\['arm'\]\[1\] \(float32"):
    actions.make(_REFUSED['nested'], bins=3)


@pytest.mark.parametrize('check', [actions.check, lambda spec: actions.make(spec, 3)])
def test_keys_without_an_order_are_refused(check: Callable[[Any], Any]) -> None:
  spec = specs.BoundedArray((), np.float32, -1.0, 1.0)
  with pytest.raises(UserError, match='a dictionary whose keys have no order: wrap'):
    check({1: spec, 'arm': spec})


def test_refusal_shows_which_spec_it_was() -> None:
  spec = specs.BoundedArray((2,), np.float32, -np.inf, np.inf, name='torque')
  with pytest.raises(UserError, match=r"'torque' \(float32 \(2,\)\)"):
    actions.make(spec, bins=3)


@pytest.mark.parametrize('dtype', [np.float32, np.float64])
@pytest.mark.parametrize(('shape', 'size'), [((), 1), ((38,), 38), ((2, 3), 6)])
def test_bounded_float_spec_is_a_box(
  shape: tuple[int, ...], size: int, dtype: type
) -> None:
  space = actions.make(specs.BoundedArray(shape, dtype, -2.0, 1.0), bins=5)
  assert isinstance(space, actions.Box)
  assert (space.size, space.bins) == (size, 5)


def test_bounds_may_be_large() -> None:
  """Below the largest number of the type they are taken as they are."""
  high = np.float32(1e38)
  space = actions.make(specs.BoundedArray((1,), np.float32, -high, high), bins=3)
  assert space.to_environment(np.ones(1, np.float32)) == high
  last = 2**63 - 1
  space = actions.make(specs.BoundedArray((), np.uint64, last - 2, last), bins=3)
  assert space.to_environment(np.array([2.0], np.float32)) == last
