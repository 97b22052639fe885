"""Fourier features: by hand, in the encoder, and on their way with the network."""

import pathlib

import numpy as np
import tensorflow as tf
from dm_env import specs

from qmle_acme import actions
from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.agents.qmle.networks import QMLENetwork
from qmle_acme.agents.qmle.parameters import Parameters
from qmle_acme.networks import blocks
from qmle_acme.networks.fourier import SCALES, FourierFeatures

BOX = actions.make(specs.BoundedArray((2,), np.float32, -1.0, 1.0), 3)
HYBRID = actions.make([specs.DiscreteArray(5), BOX.spec], 3)
INDEX = actions.make(specs.DiscreteArray(5), 3)
CONFIG = QMLEConfig(hidden_size=16, fourier_directions=3)


def test_waves_by_hand() -> None:
  features = FourierFeatures(1)
  x = tf.constant([[0.5, -1.0]])
  assert features(x).shape == (1, features.num_waves + 2) == (1, 10)
  features.directions.assign([[1.0, 0.0, 0.5, 2.0], [0.0, 0.5, 0.25, 0.0]])
  # Angles: pi/2, -pi/2, 0, pi.
  expected = [[1, -1, 0, 0, 0, 0, 1, -1, 0.5, -1]]
  np.testing.assert_allclose(features(x), expected, atol=1e-6)


def test_directions_have_their_scales() -> None:
  tf.random.set_seed(1)
  features = FourierFeatures(2_000)
  features(tf.zeros([1, 3]))
  for part, scale in zip(tf.split(features.directions, 4, axis=1), SCALES, strict=True):
    np.testing.assert_allclose(np.std(part), scale, rtol=0.05)


def test_waves_are_silent_at_first_and_learned() -> None:
  encoder = blocks.ActionEncoder(BOX, 16, fourier_directions=3)
  x = tf.random.stateless_uniform([50, 2], [1, 2], -1, 1)
  with tf.GradientTape() as tape:
    loss = tf.reduce_sum(encoder(x)[:, 0])
  (gradient,) = tape.gradient(loss, [encoder.linear.w])
  waves = 24
  np.testing.assert_array_equal(encoder.linear.w[:waves], 0.0)
  assert (np.abs(gradient[:waves]) > 0).all()
  # As without them: uniform in +-1/sqrt(2), the number of other inputs.
  own = np.abs(encoder.linear.w[waves:])
  assert 0.6 < own.max() <= 2**-0.5


def test_digits_have_no_waves_and_indices_alone_no_features() -> None:
  encoder = blocks.ActionEncoder(HYBRID, 16, fourier_directions=3)
  encoder(tf.zeros([1, 3]))
  assert encoder.linear.w.shape == (24 + 2 + 5, 16)
  assert blocks.ActionEncoder(INDEX, 16, fourier_directions=3).features is None


def test_directions_are_not_trained_but_travel(tmp_path: pathlib.Path) -> None:
  networks = [QMLENetwork.make(BOX, 4, CONFIG, seed) for seed in (1, 2, 3)]
  directions = [
    next(v for v in n.variables if 'directions' in v.name) for n in networks
  ]
  trained = {v.ref() for v in networks[0].trainable_variables}
  assert directions[0].ref() not in trained
  assert not np.allclose(directions[0], directions[1])

  # To actors, and to a checkpoint and back.
  Parameters(networks[1].variables).assign(Parameters(networks[0].variables).numpy())
  path = tf.train.Checkpoint(network=networks[0]).save(str(tmp_path / 'checkpoint'))
  tf.train.Checkpoint(network=networks[2]).restore(path).assert_consumed()
  for other in directions[1:]:
    np.testing.assert_array_equal(directions[0], other)
