"""Settings of QMLE: what is refused, and with which words."""

import dataclasses
import math
import pathlib
import re
from typing import Any, Literal, get_origin

import pytest

from qmle_acme import kernels, settings
from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.agents.qmle.predictors import (
  CategoricalConfig,
  DeltaConfig,
  MixtureConfig,
  families,
)
from qmle_acme.errors import UserError

_NAN = math.nan
_OUT_OF_RANGE: dict[str, list[Any]] = {
  'discount': [-0.01, 1.01, _NAN],
  'n_step': [0],
  'batch_size': [0, -1],
  'learning_rate': [0.0, -1e-4, _NAN, math.inf],
  'target_update_period': [0],
  'samples_per_insert': [0.0, -1.0, _NAN, math.inf],
  'replay_size': [0, 255, 999],  # Below batch_size, or below min_replay_size.
  'min_replay_size': [0],
  'priority_exponent': [-0.1, 1.1, _NAN],
  'importance_exponent': [-0.1, 1.1, _NAN],
  'target_update_rate': [0.0, 1e-300, -0.1, 1.1, _NAN],
  'policy_average_rate': [0.0, 1e-300, -0.1, 1.1, _NAN],
  'weight_decay': [-0.1, 1.1, _NAN],
  'learning_rate_half_life': [-1, 1_000_000_001],
  'action_gap': [-0.1, 1.0, _NAN],
  'critics': [0, 3],
  'epsilon': [-0.1, 1.1, _NAN],
  'epsilon_exponent': [-0.1, _NAN],
  'exploration_steps': [0, -1],
  'wide_episodes': [-0.1, 1.1, _NAN],
  'wide_steps': [0, -1],
  'exploration_from_predictors': [-0.1, 1.1, _NAN],
  'm_target': [0],
  'm_greedy': [0],
  'uniform_ratio': [0.8, 1.0, -0.1, _NAN, math.inf],
  'predictors': [
    (),  # With the default uniform share, the sum is 0.9.
    (DeltaConfig(0.2),),
    (DeltaConfig(0.05), DeltaConfig(0.05)),
  ],
  'bins': [1],
  'hidden_size': [0, 24],
  'fourier_directions': [-1],
  'second_round': [-0.1, 1.1],
  'variable_update_period': [0],
}
_CASES = [(name, value) for name, values in _OUT_OF_RANGE.items() for value in values]


@pytest.mark.parametrize(('name', 'value'), _CASES)
def test_out_of_range_is_one_line_that_names_the_setting(name: str, value: Any) -> None:
  with pytest.raises(UserError) as error:
    QMLEConfig(**{name: value})
  message = str(error.value)
  assert '\n' not in message
  assert message.startswith('qmle.')
  assert name in message.partition(' is ')[0]
  assert ': it must be ' in message


def test_every_setting_has_a_range() -> None:
  fields = settings.fields_of(QMLEConfig).items()
  # Of choices and truth values the type says all.
  ranged = {k for k, t in fields if t is not bool and get_origin(t) is not Literal}
  assert _OUT_OF_RANGE.keys() == ranged


def test_cached_target_without_a_cache_is_refused() -> None:
  with pytest.raises(UserError, match=r'^qmle\.use_cache is False: it must be true'):
    QMLEConfig(use_cache=False, mle_target='cached')


def test_values_without_a_discount_have_no_bounds() -> None:
  with pytest.raises(
    UserError, match=r'^qmle\.discount is 1\.0: it must be less than 1'
  ):
    QMLEConfig(discount=1.0, bound_values=True)
  with pytest.raises(UserError, match='must be less than 1'):
    QMLEConfig(discount=1.0 - 1e-9, bound_values=True)  # In float32 it is 1.


def test_cached_target_is_of_the_state_only_with_one_step() -> None:
  with pytest.raises(UserError, match=r'^qmle\.n_step is 2: it must be 1 where mle_'):
    QMLEConfig(n_step=2, mle_target='cached')


def test_widths_are_those_that_the_compiled_arg_max_takes() -> None:
  header = pathlib.Path(kernels.__file__).with_name('kernels.h').read_text()
  (multiple,) = map(int, re.findall(r'WIDTH_MULTIPLE = (\d+)', header))
  assert QMLEConfig(hidden_size=multiple).hidden_size == multiple


@pytest.mark.parametrize(
  ('family', 'options', 'message'),
  [
    ('delta', {'noise': 1.1}, "predictor 'delta': noise is 1.1: it must be at most 1"),
    ('delta', {'noise': _NAN}, "predictor 'delta': noise is nan: it must be "),
    ('mixture', {'components': 0}, 'components is 0: it must be at least 1'),
    ('mixture', {'min_scale': 0.0}, 'min_scale is 0.0: it must be at least 0.001'),
    ('gaussian', {'min_scale': 1.0}, 'is 1.0: it must be less than max_scale, 1.0'),
    ('delta', {'name': 'uniform'}, "name 'uniform' cannot be used: it must be letters"),
    ('delta', {'name': 'a b'}, "name 'a b' cannot be used"),
    ('delta', {'ratio': -0.1}, "predictor 'delta': ratio is -0.1: it must be at least"),
    ('delta', {'ratio': math.inf}, "predictor 'delta': ratio is inf: it must be "),
    ('delta', {'ratio': '1'}, "predictor 'delta': ratio: input should be a valid numb"),
  ],
)
def test_option_that_cannot_be_is_refused_in_one_line(
  family: str, options: dict[str, Any], message: str
) -> None:
  with pytest.raises(UserError, match=message) as error:
    families()[family](**({'ratio': 0.1} | options))
  assert '\n' not in str(error.value)


def test_options_that_are_not_given_are_those_of_the_family() -> None:
  member = MixtureConfig(0.1, max_scale=2.0)
  assert (member.name, member.family, member.components) == ('mixture', 'mixture', 4)
  assert (member.min_scale, member.max_scale) == (0.05, 2.0)


def test_two_of_one_family_need_names() -> None:
  one, other = DeltaConfig(0.05), DeltaConfig(0.05, 'wide')
  assert len(QMLEConfig(predictors=(one, other)).predictors) == 2
  with pytest.raises(UserError, match='distinct: give those of one family a name each'):
    QMLEConfig(predictors=(one, one))


@pytest.mark.parametrize(
  'values',
  [
    {'discount': 1.0, 'epsilon': 0.0, 'priority_exponent': 0.0},
    {'discount': 0.0, 'epsilon': 1.0, 'importance_exponent': 1.0},
    {'replay_size': 1000},
    {'batch_size': 1, 'min_replay_size': 1, 'replay_size': 1, 'm_target': 1},
    {'uniform_ratio': 1.0, 'predictors': ()},
    {'uniform_ratio': 0.0, 'predictors': (CategoricalConfig(1.0),)},
    {'mle_target': 'cached', 'bins': 2},
    {'use_cache': False, 'mle_target': 'improved'},
  ],
)
def test_ends_of_the_ranges_are_accepted(values: dict[str, Any]) -> None:
  config = QMLEConfig(**values)
  for name, value in values.items():
    assert getattr(config, name) == value


def test_ratios_are_uniform_first() -> None:
  assert QMLEConfig().ratios == (0.9, 0.01, 0.09)
  members = (CategoricalConfig(0.3), DeltaConfig(0.2))
  assert QMLEConfig(uniform_ratio=0.5, predictors=members).ratios == (0.5, 0.3, 0.2)


def test_defaults_are_those_of_the_paper() -> None:
  config = QMLEConfig()
  assert (config.discount, config.n_step, config.batch_size) == (0.99, 1, 256)
  assert (config.learning_rate, config.target_update_period) == (5e-4, 20)
  assert config.samples_per_insert == config.batch_size / 10  # A step every 10 steps.
  assert (config.priority_exponent, config.importance_exponent) == (0.6, 0.2)
  assert (config.m_target, config.m_greedy, config.epsilon) == (100, 1000, 0.1)


def test_settings_cannot_be_changed_in_place() -> None:
  with pytest.raises(dataclasses.FrozenInstanceError):
    QMLEConfig().discount = 0.5  # type: ignore[misc]
