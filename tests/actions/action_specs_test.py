"""Which action specs become an action space, and what is said about the others."""

import numpy as np
import pytest
from dm_env import specs

from qmle_acme import actions
from qmle_acme.errors import UserError

_MANY = np.linspace(1.0, 2.0, 38)
_REFUSED = {
  'unbounded': specs.BoundedArray((2,), np.float32, -np.inf, np.inf),
  'unbounded_above': specs.BoundedArray((2,), np.float32, [-1, -1], [1, np.inf]),
  'not_a_number': specs.BoundedArray((2,), np.float32, [np.nan, -1], 1.0),
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
  'no_bounds_declared': specs.Array((2,), np.float32),
}
_ADVICE = {
  'unbounded': 'wrap the environment so that its bounds are finite',
  'empty': 'use an environment that has actions',
  'one action alone': 'use an environment that has a choice',
  'not supported': 'wrap the environment so that it is a BoundedArray',
  'more than 1,000,000,000': 'wrap the environment so that it is several indices',
  'is a int': 'dm_env.specs.BoundedArray, or tuples, lists and dictionaries of them',
}


@pytest.mark.parametrize(
  ('case', 'fault'),
  [
    ('unbounded', 'unbounded'),
    ('unbounded_above', 'unbounded'),
    ('not_a_number', 'unbounded'),
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
  with pytest.raises(UserError, match=r"^action spec\['arm'\]\[1\] None \(float32"):
    actions.make(_REFUSED['nested'], bins=3)


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
  assert (space.size, space.encoded_size, space.bins) == (size, size, 5)
