"""Defaults are those that Acme has in its own code; wrong settings are refused."""

import dataclasses
import inspect
from typing import Any

import pytest
from acme.agents.tf import d4pg, dmpo
from acme.agents.tf.d4pg.agent import D4PGConfig as AcmeD4PGConfig

from qmle_acme.agents.acme.d4pg import D4PGConfig
from qmle_acme.agents.acme.dmpo import DMPOConfig
from qmle_acme.errors import UserError

# Acme's names of what has another one here.
NAMES = {'max_replay_size': 'replay_size'}


def defaults(function: Any) -> dict[str, Any]:
  """Returns the defaults of a function of Acme's, by our names."""
  parameters = inspect.signature(function).parameters.values()
  return {
    NAMES.get(p.name, p.name): p.default for p in parameters if p.default is not p.empty
  }


@pytest.mark.parametrize(
  ('config', 'functions', 'count'),
  [
    (D4PGConfig(), [d4pg.D4PG, AcmeD4PGConfig, d4pg.make_default_networks], 13),
    (DMPOConfig(), [dmpo.DistributionalMPO, d4pg.make_default_networks], 14),
  ],
)
def test_defaults_are_acmes(config: Any, functions: list[Any], count: int) -> None:
  ours, seen = dataclasses.asdict(config), set()
  for function in functions:
    for name, value in defaults(function).items():
      if name in ours:
        assert ours[name] == value, name
        seen.add(name)
  assert len(seen) == count


@pytest.mark.parametrize(
  ('kind', 'settings', 'message'),
  [
    (D4PGConfig, {'sigma': -0.1}, 'd4pg.sigma is -0.1: it must be at least 0'),
    (D4PGConfig, {'target_update_period': 0}, 'd4pg.target_update_period is 0'),
    (D4PGConfig, {'discount': 1.1}, 'd4pg.discount is 1.1: it must be at most 1'),
    (D4PGConfig, {'policy_layer_sizes': ()}, 'd4pg.policy_layer_sizes is (): it'),
    (
      D4PGConfig,
      {'critic_layer_sizes': (8, 0)},
      'd4pg.critic_layer_sizes.1 is 0: it must be',
    ),
    (D4PGConfig, {'vmin': 150.0}, 'd4pg.vmin is 150.0: it must be less than vmax'),
    (D4PGConfig, {'num_atoms': 1}, 'd4pg.num_atoms is 1: it must be at least 2'),
    (D4PGConfig, {'replay_size': 255}, 'd4pg.replay_size is 255: it must be at least'),
    (DMPOConfig, {'n_step': 0}, 'dmpo.n_step is 0: it must be at least 1'),
    (DMPOConfig, {'num_samples': 0}, 'dmpo.num_samples is 0: it must be at least 1'),
    (DMPOConfig, {'init_scale': 0.0}, 'dmpo.init_scale is 0.0: it must be more'),
    (DMPOConfig, {'epsilon_mean': 0.0}, 'dmpo.epsilon_mean is 0.0: it must be more'),
    (DMPOConfig, {'init_log_temperature': -20.0}, 'dmpo.init_log_temperature is -20'),
    (
      DMPOConfig,
      {'critic_learning_rate': float('nan')},
      'dmpo.critic_learning_rate is nan: it must be finite',
    ),
  ],
)
def test_settings_out_of_range_are_refused_by_name(
  kind: Any, settings: dict[str, Any], message: str
) -> None:
  with pytest.raises(UserError) as caught:
    kind(**settings)
  assert str(caught.value).startswith(message)
