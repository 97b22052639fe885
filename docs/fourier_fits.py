"""How well Q's own layers fit a jagged and a smooth function, without and with waves.

Usage: python docs/fourier_fits.py DIMENSIONS UPDATES. Jagged: the indicator of a union
of 33 balls a dimension that fill 30 % of the box, every batch of new points. Smooth:
minus the squared distance to an action that depends on the state, from 1,000 noisy
samples. Prints R2 on 8,000 points that were not seen.
"""

import sys

import numpy as np
import sonnet as snt
import tensorflow as tf
from dm_env import specs

from qmle_acme.actions import Box
from qmle_acme.networks import ActionInQNetwork

BATCH, SAMPLES, NOISE = 256, 1_000, 0.1
Points = tuple[np.ndarray, np.ndarray, np.ndarray]  # Observations, actions, values.


class Task:
  """The two functions in one number of dimensions."""

  def __init__(self, kind: str, size: int):
    self._kind, self._size = kind, size
    self._centres = np.random.RandomState(123).random_sample((33 * size, size))
    points = np.random.RandomState(7).random_sample((8_000, size))
    self._radius = np.quantile(self._to_centre(points), 0.3)
    self._slopes = 0.7 * np.random.RandomState(5).normal(size=(5, size))

  def draw(self, count: int, random: np.random.RandomState) -> Points:
    points = random.random_sample((count, self._size))
    observations, actions = random.normal(size=(count, 5)), 2.0 * points - 1.0
    if self._kind == 'jagged':
      values = self._to_centre(points) <= self._radius
    else:
      values = -((actions - np.tanh(observations @ self._slopes)) ** 2).mean(axis=1)
    return observations.astype('f'), actions.astype('f'), values.astype('f')

  def _to_centre(self, points: np.ndarray) -> np.ndarray:
    squares = (points**2).sum(1)[:, None] + (self._centres**2).sum(1)
    return np.sqrt(np.maximum(squares - 2 * points @ self._centres.T, 0)).min(1)


def fit(kind: str, size: int, directions: int, updates: int) -> float:
  """Returns R2 after so many updates."""
  tf.random.set_seed(0)
  task, random = Task(kind, size), np.random.RandomState(1)
  space = Box(specs.BoundedArray((size,), np.float32, -1.0, 1.0), 3)
  network = ActionInQNetwork(space, 128, directions)
  optimizer = snt.optimizers.Adam(5e-4)

  def values_of(observations: tf.Tensor, actions: tf.Tensor) -> tf.Tensor:
    return network(network.embed(observations), actions[:, None])[:, 0]

  @tf.function(jit_compile=True)
  def update(o: tf.Tensor, a: tf.Tensor, values: tf.Tensor) -> None:
    with tf.GradientTape() as tape:
      loss = tf.reduce_mean((values_of(o, a) - values) ** 2)
    variables = network.trainable_variables
    optimizer.apply(tape.gradient(loss, variables), variables)

  *unseen, truth = task.draw(8_000, np.random.RandomState(99))
  values_of(*(tf.constant(x[:1]) for x in unseen))  # Makes the variables.
  o, a, values = task.draw(SAMPLES, random)
  values += random.normal(0.0, NOISE, SAMPLES).astype('f')
  for _ in range(updates):
    rows = random.randint(SAMPLES, size=BATCH)
    known = o[rows], a[rows], values[rows]
    update(*(task.draw(BATCH, random) if kind == 'jagged' else known))
  error = (values_of(*map(tf.constant, unseen)).numpy() - truth) ** 2
  return 1.0 - float(error.mean() / truth.var())


if __name__ == '__main__':
  for kind in ('jagged', 'smooth'):
    for directions in (0, 20):
      found = fit(kind, int(sys.argv[1]), directions, int(sys.argv[2]))
      print(f'{sys.argv[1]} dimensions, {kind}, {directions} directions: {found:.2f}')
