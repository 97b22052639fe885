"""Speed of scoring candidates, beside the machine's own limit.

A' encoded action size, H width. Measured in one process of one thread, in turns.
"""

import functools
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from dm_env import specs

from qmle_acme.actions import Box
from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.agents.qmle.networks import QMLENetwork
from qmle_acme.speed.timing import Part, Spread, interleave, rounded

ACTION_SIZES = (1, 6, 21, 38)
_OBSERVATION_SIZE = 24
_DTYPES = (tf.float32, tf.bfloat16)
_SEED = 1
# In a row: what takes milliseconds alone is at the mercy of what else is running.
_CALLS = {'acting': 5, 'target': 1}

Costs = dict[str, dict[str, Spread]]


class Shape(NamedTuple):
  """How many candidates are scored at once."""

  name: str
  states: int
  candidates: int

  @property
  def rows(self) -> int:
    """Candidates of all states together."""
    return self.states * self.candidates


def measure(repetitions: int) -> Iterator[dict[str, Any]]:
  """Yields the speed of scoring, and of matrix products of the same size."""
  config = QMLEConfig()
  shapes = (
    Shape('acting', 1, config.m_greedy),
    Shape('target', config.batch_size, config.m_target + 1),
  )
  parts: dict[str, Part] = {}
  for shape in shapes:
    parts |= _product_parts(shape, config.hidden_size)
    for size in ACTION_SIZES:
      parts |= _scoring_parts(shape, size, config)
  costs = interleave(parts, repetitions)
  limits = {shape: _limits(shape, config.hidden_size, costs) for shape in shapes}
  yield {
    'width': config.hidden_size,
    'threads': 1,
    'limits': [
      {'shape': shape.name, 'rows': shape.rows, **limits[shape]} for shape in shapes
    ],
    'scoring': [
      _describe(shape, size, config.hidden_size, costs, limits[shape])
      for shape in shapes
      for size in ACTION_SIZES
    ],
  }


def _product_parts(shape: Shape, width: int) -> dict[str, Part]:
  """Returns the two large products of scoring, by TensorFlow's matrix product."""
  parts = {}
  for dtype in _DTYPES:
    for inner in (width, 2 * width):
      left = tf.cast(tf.random.normal([shape.rows, inner]), dtype)
      right = tf.cast(tf.random.normal([inner, 2 * width]), dtype)
      name = _product_name(shape, inner, dtype)
      parts[name] = Part(functools.partial(tf.matmul, left, right), _CALLS[shape.name])
  return parts


def _product_name(shape: Shape, inner: int, dtype: tf.DType) -> str:
  return f'{shape.name} product {inner} {dtype.name}'


def _scoring_parts(shape: Shape, size: int, config: QMLEConfig) -> dict[str, Part]:
  """Returns the compiled and the plain form, and the arg max that they serve."""
  space = Box(specs.BoundedArray((size,), np.float32, -1.0, 1.0), config.bins)
  network = QMLENetwork.make(space, _OBSERVATION_SIZE, config, _SEED)
  observations = tf.random.normal([shape.states, _OBSERVATION_SIZE])
  embeddings = network.embed(observations)
  actions = space.sample_proposal((shape.states, shape.candidates), [_SEED, 2])
  compiled = tf.function(network.q.argmax, autograph=False)
  whole = _argmax(network, shape)
  seed = tf.constant([_SEED, 3])
  forms = {
    'compiled': lambda: compiled(embeddings, actions),
    'plain': lambda: network.q(embeddings, actions),
    'argmax': lambda: whole(observations, seed),
  }
  return {
    f'{shape.name} {size} {form}': Part(run, _CALLS[shape.name])
    for form, run in forms.items()
  }


def _argmax(
  network: QMLENetwork, shape: Shape
) -> tf.types.experimental.GenericFunction:
  @tf.function(autograph=False)
  def argmax(observations: tf.Tensor, seed: tf.Tensor) -> Any:
    return network.argmax(observations, shape.candidates, seed)

  return argmax


def _limits(shape: Shape, width: int, costs: Costs) -> dict[str, Any]:
  """Returns the GFLOP/s of each data type in the better of the two products."""
  speeds: dict[str, dict[str, Any]] = {}
  for dtype in _DTYPES:
    products: dict[str, dict[str, Any]] = {}
    for inner in (width, 2 * width):
      cost = costs[_product_name(shape, inner, dtype)]
      flops = 2 * shape.rows * inner * 2 * width
      products[f'{inner}x{2 * width}'] = {'gflops': _gflops(flops, cost), **cost}
    best = max(product['gflops'] for product in products.values())
    speeds[dtype.name] = {'gflops': best, 'products': products}
  return speeds


def _describe(
  shape: Shape, size: int, width: int, costs: Costs, limits: dict[str, Any]
) -> dict[str, Any]:
  """Returns what is known of scoring actions of one size."""
  flops = 2 * (size * width + width * 2 * width + 2 * width * 2 * width)
  forms = {}
  for form in ('compiled', 'plain'):
    cost = costs[f'{shape.name} {size} {form}']
    gflops = _gflops(shape.rows * flops, cost)
    forms[form] = {
      **cost,
      'candidates_per_second': rounded(shape.rows / _seconds(cost)),
      'gflops': gflops,
      'share_of_limit': {
        dtype.name: rounded(gflops / limits[dtype.name]['gflops']) for dtype in _DTYPES
      },
    }
  compiled, plain = (_seconds(forms[form]) for form in ('compiled', 'plain'))
  return {
    'shape': shape.name,
    'states': shape.states,
    'candidates': shape.candidates,
    'action_size': size,
    'flops_per_candidate': flops,
    **forms,
    'argmax': costs[f'{shape.name} {size} argmax'],
    'plain_by_compiled': rounded(plain / compiled),
  }


def _gflops(flops: float, cost: dict[str, Any]) -> float:
  return rounded(flops / _seconds(cost) / 1e9)


def _seconds(cost: dict[str, Any]) -> float:
  return cost['cpu_ms']['median'] / 1e3
