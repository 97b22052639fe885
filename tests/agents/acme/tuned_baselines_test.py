"""The tuned settings of configs/baselines/ arrive where Acme's classes act by them.

B = 8 batch, O = 3 observation, A = 2 action dimensions.
"""

import dataclasses
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import sonnet as snt
import tensorflow as tf
import tensorflow_probability as tfp
from acme.agents.tf.d4pg.agent import D4PGNetworks
from acme.tf import losses
from baselines import SPEC, make_learner

from qmle_acme.agents.acme.d4pg import D4PGBuilder
from qmle_acme.agents.acme.dmpo import DMPOBuilder, DMPOConfig
from qmle_acme.runs import config as config_lib
from qmle_acme.runs import shipped

OBSERVATIONS = tf.reshape(tf.linspace(-2.0, 2.0, 24), [8, 3])
ACTIONS = tf.reshape(tf.linspace(-1.0, 1.0, 16), [8, 2])
tfd = tfp.distributions


def tuned(agent: str) -> config_lib.RunConfig:
  path = shipped.BASELINES / f'{agent}_tuned.yaml'
  default = config_lib.RunConfig(run=pathlib.Path('unused'))
  return config_lib.overlay_files(default, [path])


def initialised(config: DMPOConfig) -> D4PGNetworks:
  networks = DMPOBuilder(config, SPEC).make_networks()
  networks.init(SPEC._replace(actions=SPEC.actions.replace(minimum=-1.0, maximum=1.0)))
  return networks


def torso(network: snt.Module) -> snt.Module:
  return network._layers[0]


def test_dmpo_gets_an_activation_after_the_last_hidden_layer() -> None:
  config = tuned('dmpo').dmpo
  active = initialised(config)
  plain = initialised(dataclasses.replace(config, activate_final=False))
  inputs = {'policy_network': [OBSERVATIONS], 'critic_network': [OBSERVATIONS, ACTIONS]}
  for name, given in inputs.items():
    with_it, without = getattr(active, name), getattr(plain, name)
    for new, old in zip(with_it.variables, without.variables, strict=True):
      new.assign(old)
    hidden = torso(without)(*given)
    assert hidden.shape == (8, 256)
    np.testing.assert_allclose(
      torso(with_it)(*given), np.where(hidden > 0, hidden, np.expm1(hidden)), atol=1e-6
    )
    assert np.min(hidden) < 0  # Or there would be nothing to see.


def test_dmpo_policy_starts_with_its_scale() -> None:
  for config, scale in ((tuned('dmpo').dmpo, 0.5), (DMPOConfig(), 0.3)):
    policy = initialised(config).policy_network(OBSERVATIONS)
    np.testing.assert_allclose(policy.stddev(), np.full((8, 2), scale), rtol=0.05)


def test_dmpo_loss_gets_the_constants() -> None:
  learner = make_learner(DMPOBuilder(tuned('dmpo').dmpo, SPEC), iter(()))
  state = learner.state
  loss = state['policy_loss_module']
  duals = (loss._log_temperature, loss._log_alpha_mean, loss._log_alpha_stddev)
  assert [np.unique(dual.numpy()).tolist() for dual in duals] == [[10], [10], [1000]]
  bounds = (loss._epsilon, loss._epsilon_penalty, loss._epsilon_mean)
  assert (*bounds, loss._epsilon_stddev) == (0.1, 0.001, 0.01, 1e-6)
  rates = [state[f'{name}_optimizer'] for name in ('policy', 'critic', 'dual')]
  rates = [float(tf.convert_to_tensor(rate.learning_rate)) for rate in rates]
  np.testing.assert_allclose(rates, [3e-4, 3e-4, 1e-2])


def test_dmpo_loss_is_the_same_of_an_independent_normal() -> None:
  """So that `use_tfd_independent`, which Acme's later example sets, changes nothing."""
  random = np.random.default_rng(1)
  means = random.normal(size=(2, 8, 2)).astype(np.float32)
  scales = np.exp(random.normal(size=(2, 8, 2))).astype(np.float32)
  actions = random.normal(size=(20, 8, 2)).astype(np.float32)
  values = random.normal(size=(20, 8)).astype(np.float32)

  def loss(make: Callable[..., Any]) -> np.ndarray:
    online, target = (make(*pair) for pair in zip(means, scales, strict=True))
    return losses.MPO(0.1, 0.01, 1e-6, 10.0, 10.0, 1000.0)(
      online, target, actions, values
    )[0]

  independent = loss(lambda mean, scale: tfd.Independent(tfd.Normal(mean, scale), 1))
  np.testing.assert_array_equal(loss(tfd.MultivariateNormalDiag), independent)


def test_d4pg_gets_its_rates_and_layers_and_starts_near_zero() -> None:
  config = tuned('d4pg').d4pg
  assert config.sigma == 0.2
  state = make_learner(D4PGBuilder(config, SPEC), iter(())).state
  rates = [state[f'{name}_optimizer'].learning_rate for name in ('policy', 'critic')]
  np.testing.assert_allclose([float(tf.convert_to_tensor(r)) for r in rates], 3e-4)
  assert np.abs(state['network'](OBSERVATIONS)).max() < 0.05
  widths = [v.shape[1] for v in state['critic'].trainable_variables if v.shape.rank > 1]
  assert widths == [256, 256, 256, 51]
  hidden = state['critic']._layers[1](tf.concat([OBSERVATIONS, ACTIONS], axis=-1))
  assert -1.0 <= np.min(hidden) < 0.0 < np.max(hidden)  # As an ELU leaves them.


@pytest.mark.parametrize('agent', ['d4pg', 'dmpo'])
def test_file_changes_its_own_agent_alone(agent: str) -> None:
  default = config_lib.RunConfig(run=pathlib.Path('unused'))
  changed = config_lib.differences(
    config_lib.to_dict(default), config_lib.to_dict(tuned(agent))
  )
  assert all(line.startswith((f'{agent}.', 'agent: ')) for line in changed)
