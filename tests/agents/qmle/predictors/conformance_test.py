"""What every predictor family must do, in every kind of space.

B batch, n samples, A action dimensions, C continuous ones of them, P parameters.
"""

from typing import Any

import numpy as np
import pytest
import sonnet as snt
import tensorflow as tf
import tensorflow_probability as tfp
from dm_env import specs
from scipy import stats

from qmle_acme import actions
from qmle_acme.actions import ActionSpace
from qmle_acme.agents.qmle.predictors import (
  Ensemble,
  Predictor,
  families,
  make_predictor,
)
from qmle_acme.types import Tensor

tfd = tfp.distributions
_WIDTH = 16
_SEED = tf.constant([3, 4])
_HYBRID = {
  'arm': (
    specs.BoundedArray((2,), np.float32, [-1, 0], [3, 1]),
    specs.DiscreteArray(3),
  ),
  'grip': specs.BoundedArray((2,), np.int32, [-1, 5], [2, 104]),
}
SPACES = {
  name: actions.make(spec, bins=3)
  for name, spec in {
    'box': specs.BoundedArray((2,), np.float32, -1.0, 3.0),
    'discrete': specs.DiscreteArray(5),
    'big': specs.DiscreteArray(999_999_937),
    'hybrid': _HYBRID,
  }.items()
}
every_family = pytest.mark.parametrize('family', families())
every_space = pytest.mark.parametrize('space', SPACES.values(), ids=SPACES.keys())


def _make(family: str, space: ActionSpace, **options: Any) -> Predictor:
  tf.random.set_seed(0)
  return make_predictor(families()[family](1.0, **options), space, _WIDTH)


def _parameters(predictor: Predictor, batch: int, scale: float = 1.5) -> Tensor:
  shape = [batch, predictor.num_parameters]
  return scale * tf.random.stateless_normal(shape, [1, 2])


@every_space
@every_family
def test_samples_are_in_the_space_and_the_same_in_a_graph(
  family: str, space: ActionSpace
) -> None:
  predictor = _make(family, space)
  parameters = _parameters(predictor, 3)
  compiled = tf.function(predictor.sample, autograph=False)
  for count in (0, 1, 7):
    samples = predictor.sample(parameters, count, _SEED)
    assert samples.shape == (3, count, space.size) and samples.dtype == tf.float32
    np.testing.assert_array_equal(samples, space.clip(samples))
  graph = compiled(parameters, 7, _SEED)
  assert graph.shape == samples.shape
  np.testing.assert_allclose(graph, samples, atol=1e-6)
  other = predictor.sample(parameters, 7, _SEED + 1).numpy()
  assert (samples.numpy() != other).any()


def _twin(predictor: Predictor, space: ActionSpace, x: Tensor, action: Tensor) -> float:
  """Returns -log f(action) of one state, one dimension after the other."""
  size, family = space.num_continuous, predictor.name
  bins = space.to_bins(action)
  if family == 'categorical':
    return _categorical(x, bins, space.bin_counts)
  if family == 'autoregressive':
    w, v, b = predictor._w, predictor._v, predictor._b
    total, before = 0.0, x
    for i, count in enumerate(space.bin_counts):
      logits = (tf.nn.relu(before)[None] @ v[i])[0] + b[i]
      total += _categorical(logits[:count], bins[i : i + 1], (count,))
      before += w[i, bins[i]]
    return total
  digits, counts = bins[size:], space.bin_counts[size:]
  if family == 'delta':
    error = float(tf.reduce_sum((tf.tanh(x[:size]) - action[:size]) ** 2))
    return error + _categorical(x[size:], digits, counts)
  weights, components = tf.zeros(1), x[None]
  if family == 'mixture':
    weights, components = x[:4], tf.reshape(x[4:], [4, -1])
  each = [
    _clipped_normals(component[: 2 * size], action[:size])
    - _categorical(component[2 * size :], digits, counts)
    for component in components
  ]
  return -float(tf.reduce_logsumexp(tf.nn.log_softmax(weights) + tf.stack(each)))


def _categorical(logits: Tensor, bins: Tensor, counts: tuple[int, ...]) -> float:
  parts = tf.split(logits, list(counts)) if counts else []
  pairs = zip(parts, bins, strict=True)
  return -sum(float(tfd.Categorical(part).log_prob(bin_)) for part, bin_ in pairs)


def _clipped_normals(raw: Tensor, action: Tensor) -> float:
  total, size = 0.0, len(action)
  for i, a in enumerate(action):
    scale = 0.05 + 0.95 * tf.sigmoid(raw[size + i])
    mean = 2.0 * tf.tanh(raw[i])
    if abs(a) < 1:
      total += float(tfd.Normal(mean, scale).log_prob(a))
    else:
      tail = (-1.0 - mean) if a < 0 else (mean - 1.0)
      total += float(stats.norm.logcdf(tail / scale))
  return total


@every_space
@every_family
def test_loss_is_the_negative_log_likelihood(family: str, space: ActionSpace) -> None:
  predictor = _make(family, space)
  parameters = _parameters(predictor, 6, scale=0.7)
  targets = space.sample_proposal((6, 2), tf.constant([5, 6]))
  targets = tf.concat([targets[:3, 0], targets[3:, 1]], axis=0)  # In the box; grid.
  loss = predictor.loss(parameters, targets)
  pairs = zip(parameters, targets, strict=True)
  expected = [_twin(predictor, space, x, action) for x, action in pairs]
  np.testing.assert_allclose(loss, expected, rtol=2e-4, atol=1e-4)
  if space is SPACES['hybrid']:
    # The learner compiles it.
    compiled = tf.function(predictor.loss, autograph=False, jit_compile=True)
    np.testing.assert_allclose(
      compiled(parameters, targets), loss, rtol=1e-4, atol=1e-5
    )


@every_family
def test_probabilities_sum_to_1_and_are_those_of_the_samples(family: str) -> None:
  space = SPACES['discrete']
  predictor = _make(family, space)
  parameters = _parameters(predictor, 1)
  every = tf.range(5.0)[:, None]
  p = np.exp(-predictor.loss(tf.repeat(parameters, 5, axis=0), every).numpy())
  np.testing.assert_allclose(p.sum(), 1.0, rtol=1e-5)
  samples = predictor.sample(parameters, 8000, _SEED).numpy().ravel()
  share = np.bincount(samples.astype(int), minlength=5) / 8000
  if family == 'delta':  # The mode, and a tenth of all are drawn anew.
    p = 0.9 * np.eye(5)[p.argmax()] + 0.02
  np.testing.assert_allclose(share, p, atol=0.025)


@pytest.mark.parametrize('scale', [1.0, 30.0, 1e4])
@every_space
@every_family
def test_gradients_are_finite_at_the_edges(
  family: str, space: ActionSpace, scale: float
) -> None:
  predictor = _make(family, space)
  signs = tf.sign(_parameters(predictor, 2))
  parameters = scale * tf.concat([signs, -signs, tf.zeros_like(signs)], axis=0)
  last = tf.constant(space.bin_counts, tf.float32) - 1.0
  is_continuous = tf.range(space.size) < space.num_continuous
  high = space.clip(tf.where(is_continuous, 1.0, last))
  low = tf.where(is_continuous, -1.0, 0.0)
  with tf.GradientTape() as tape:
    tape.watch(parameters)
    loss = predictor.loss(parameters, tf.stack([low, high] * 3))
  gradient = tape.gradient(loss, parameters)
  assert np.isfinite(loss).all() and np.isfinite(gradient).all()


@every_space
def test_no_gradient_reaches_the_encoder_and_every_head_gets_one(
  space: ActionSpace,
) -> None:
  members = [_make(family, space) for family in families()]
  ensemble = Ensemble(space, members, [0.5, *[0.1] * 5])
  embeddings = tf.random.stateless_normal([4, _WIDTH], [1, 1])
  candidates = ensemble.propose(embeddings, 40, _SEED)
  assert candidates.actions.shape == (4, 40, space.size)
  np.testing.assert_array_equal(np.bincount(candidates.proposers), [20, *[4] * 5])
  with tf.GradientTape(persistent=True) as tape:
    tape.watch(embeddings)
    loss = ensemble.loss(embeddings, candidates.actions[:, 0])
  assert tape.gradient(loss, embeddings) is None
  for gradient in tape.gradient(loss, ensemble.trainable_variables):
    assert np.isfinite(gradient).all()
    # The only dimension has none before it.
    assert np.abs(gradient).max() > 0 or space.size == 1


def _fit(predictor: Predictor, targets: Tensor, steps: int = 150) -> Tensor:
  """Returns the parameters [1, P] after fitting one state to targets [n, A]."""
  state = tf.ones([1, _WIDTH])
  optimizer = snt.optimizers.Adam(0.03)

  @tf.function(autograph=False)
  def step() -> None:
    with tf.GradientTape() as tape:
      parameters = tf.repeat(predictor(state), len(targets), axis=0)
      loss = tf.reduce_mean(predictor.loss(parameters, targets))
    variables = predictor.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)

  predictor(state)  # Creates the head.
  for _ in range(steps):
    step()
  return predictor(state)


@every_family
def test_fit_to_a_known_distribution_of_indices(family: str) -> None:
  predictor = _make(family, SPACES['discrete'])
  targets = tf.constant([[0.0]] * 5 + [[1.0]] * 2 + [[3.0]] * 3)
  parameters = _fit(predictor, targets)
  every = tf.range(5.0)[:, None]
  p = np.exp(-predictor.loss(tf.repeat(parameters, 5, axis=0), every).numpy())
  np.testing.assert_allclose(p, [0.5, 0.2, 0.0, 0.3, 0.0], atol=0.02)


def test_gaussian_finds_mean_and_deviation_also_of_what_is_clipped() -> None:
  known = np.random.default_rng(0).normal([0.3, 0.8], [0.2, 0.4], (2000, 2))
  targets = tf.constant(np.clip(known, -1, 1), tf.float32)
  assert (targets[:, 1] == 1.0).numpy().mean() > 0.25
  x = _fit(_make('gaussian', SPACES['box']), targets).numpy()[0]
  np.testing.assert_allclose(2 * np.tanh(x[:2]), [0.3, 0.8], atol=0.03)
  scale = 0.05 + 0.95 / (1 + np.exp(-x[2:]))
  np.testing.assert_allclose(scale, [0.2, 0.4], atol=0.03)


def test_delta_finds_the_mean() -> None:
  targets = tf.constant([[0.2, -1.0], [0.6, -0.6]])
  x = _fit(_make('delta', SPACES['box']), targets)
  np.testing.assert_allclose(np.tanh(x[0]), [0.4, -0.8], atol=0.01)


@pytest.mark.parametrize('family', ['mixture', 'autoregressive'])
def test_dependence_between_dimensions_that_independent_ones_miss(family: str) -> None:
  space = SPACES['box']
  targets = tf.constant([[-1.0, 1.0], [-1.0, 1.0], [-1.0, 1.0], [1.0, -1.0]])
  options = {'components': 2} if family == 'mixture' else {}
  dependent, factored = _make(family, space, **options), _make('categorical', space)
  share = {}
  for predictor in (dependent, factored):
    samples = predictor.sample(_fit(predictor, targets), 4000, _SEED).numpy()[0]
    signs = np.sign(samples)
    share[predictor.name] = np.mean(signs[:, 0] == -signs[:, 1])
    assert np.mean(signs[:, 0] == -1.0) == pytest.approx(0.75, abs=0.04)
  assert share[family] > 0.97
  assert share['categorical'] == pytest.approx(0.75**2 + 0.25**2, abs=0.04)
