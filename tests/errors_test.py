"""What a person is told about a name that is not known."""

import pytest

from qmle_acme.errors import RunFault, UserError, cause_of, unknown, unreadable

_KNOWN = ['walker:walk', 'walker:run', 'dog:run', 'cartpole:swingup', 'acrobot:swingup']


def test_nearest_names_come_first() -> None:
  error = unknown('environment', 'walker:wlk', _KNOWN)
  assert isinstance(error, UserError)
  message = str(error)
  assert message.startswith("unknown environment 'walker:wlk'; nearest: walker:walk")
  assert 'walker:run' in message
  assert 'cartpole' not in message


def test_at_most_three_names_are_listed() -> None:
  names = [f'walker{i}' for i in range(20)]
  assert str(unknown('task', 'walker', names)).count('walker') == 1 + 3


def test_far_from_all_lists_the_first_by_alphabet() -> None:
  message = str(unknown('command', '@', _KNOWN))
  expected = 'nearest: acrobot:swingup, cartpole:swingup, dog:run'
  assert message == f"unknown command '@'; {expected}"


def test_takes_any_iterable_of_names() -> None:
  expected = "unknown key 'sed'; nearest: seed"
  for known in ({'seed': 1, 'xyz': 2}, ('xyz', 'seed'), (n for n in ('seed', 'xyz'))):
    assert str(unknown('key', 'sed', known)) == expected


def test_stays_one_line_whatever_was_typed() -> None:
  assert '\n' not in str(unknown('key', 'walker\n:walk', _KNOWN))


def test_what_a_library_says_in_many_lines_is_said_in_one() -> None:
  error = unreadable('x.json', ValueError('a comma\n  is missing\n'))

  assert str(error) == 'cannot read x.json: a comma is missing'


@pytest.mark.parametrize(
  ('error', 'cause'),
  [
    (UserError('steps is 0'), 'steps is 0'),
    (RunFault('the learner has diverged\nat last'), 'the learner has diverged'),
    (ValueError('a comma\nis missing'), 'ValueError: a comma'),
    (KeyError(), 'KeyError'),
  ],
)
def test_cause_is_a_line_with_the_kind_of_what_is_not_ours(
  error: Exception, cause: str
) -> None:
  assert cause_of(error) == cause
