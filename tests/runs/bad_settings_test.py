"""Settings that no run can have are refused in one line, whichever field it is."""

import math
import pathlib
from typing import Any

import hypothesis
import pytest
from hypothesis import strategies

from qmle_acme.errors import UserError
from qmle_acme.runs.config import RunConfig, overlay, to_dict

DEFAULT = RunConfig(run=pathlib.Path('x'))


def paths(settings: dict[str, Any]) -> list[tuple[str, ...]]:
  """Returns where each setting is that is no mapping of others."""
  found: list[tuple[str, ...]] = []
  for name, value in settings.items():
    below = paths(value) if isinstance(value, dict) else [()]
    found += [(name, *rest) for rest in below]
  return found


PATHS = paths(to_dict(DEFAULT))
NUMBERS = [math.nan, math.inf, -math.inf, 1e30, -1e30, 10**40, -(10**40)]
# Of no setting at all: each is a number, a word, a truth value, or a list of mappings.
NEVER: list[Any] = [{'a': 1}, [[1]], [3], {}, ['x']]


def bad_values(value: Any) -> list[Any]:
  """Returns values that cannot be those of a setting of this type."""
  if isinstance(value, bool):
    return [*NEVER, *NUMBERS, 'x', 'yes', 2]
  if isinstance(value, int | float):
    return [*NEVER, *NUMBERS, 'many', '3', True]
  if isinstance(value, str):
    return [*NEVER, *NUMBERS, 3, True]
  return [{'a': 1}, [[1]], [-3], ['x'], 'x', 3, [{'family': 'nope'}], [{'ratio': 0.1}]]


def at(path: tuple[str, ...], value: Any) -> dict[str, Any]:
  """Returns settings of which only one is given."""
  for name in reversed(path):
    value = {name: value}
  return value


@strategies.composite
def bad_settings(draw: strategies.DrawFn) -> dict[str, Any]:
  path = draw(strategies.sampled_from(PATHS))
  value: Any = to_dict(DEFAULT)
  for name in path:
    value = value[name]
  return at(path, draw(strategies.sampled_from(bad_values(value))))


def refusal(settings: dict[str, Any]) -> str:
  """Returns the one line that refuses settings."""
  with pytest.raises(UserError) as caught:
    overlay(DEFAULT, settings, 'x.yaml')
  message = str(caught.value)
  assert message.startswith('x.yaml: ') or 'x.yaml' in message or 'family' in message
  assert '\n' not in message and len(message) < 400
  return message


@hypothesis.settings(max_examples=300, deadline=None, database=None)
@hypothesis.given(bad_settings())
def test_a_value_that_cannot_be_is_refused_in_one_line(
  settings: dict[str, Any],
) -> None:
  refusal(settings)


@pytest.mark.parametrize('path', PATHS, ids='.'.join)
def test_every_setting_refuses_a_value_of_another_kind(path: tuple[str, ...]) -> None:
  assert path[-1] in refusal(at(path, [[1]]))


@pytest.mark.parametrize('agent', ['qmle', 'd4pg', 'dmpo'])
@pytest.mark.parametrize(
  'pair',
  [
    {'batch_size': 512, 'replay_size': 256, 'min_replay_size': 100},
    {'min_replay_size': 2_000, 'replay_size': 1_000},
  ],
)
def test_a_replay_that_is_too_small_is_refused(
  agent: str, pair: dict[str, int]
) -> None:
  assert 'replay_size' in refusal({agent: pair})


def test_shares_that_do_not_add_up_are_refused() -> None:
  refusal({'qmle': {'uniform_ratio': 0.5}})
