"""A learner step worked out the plain way: no graph, no kernel, no hash table.

B batch, N candidates, O observation, A action dimensions, K bins.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import sonnet as snt
import tensorflow as tf

from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.agents.qmle.networks import QMLENetwork
from qmle_acme.types import Sample


class Step(NamedTuple):
  """What a learner step must come to."""

  best_action: np.ndarray  # [B, A]
  winners: np.ndarray  # [B, N] which candidates are the best; the last is the cached
  mle_target: np.ndarray  # [B, A]
  q_tm1: np.ndarray  # [B]
  q_max: np.ndarray  # [B]
  td_error: np.ndarray  # [B]
  weights: np.ndarray  # [B]
  q_loss: float
  predictor_loss: float
  gradients: list[np.ndarray]  # in the order of the network's variables
  second_gradients: list[np.ndarray | None]  # of the second network; None, if it rests


def q_values(
  network: QMLENetwork, observations: np.ndarray, actions: np.ndarray
) -> tf.Tensor:
  """Returns Q(o, a), [B, N], of actions [B, N, A], by the plain layers."""
  embeddings = network.q.embed(tf.constant(observations))
  return network.q(embeddings, tf.constant(actions, tf.float32))


def propose(
  network: QMLENetwork, observations: np.ndarray, count: int, seed: np.ndarray
) -> np.ndarray:
  """Returns the candidates [B, N, A]."""
  embeddings = network.q.embed(tf.constant(observations))
  return network.ensemble.propose(embeddings, count, seed).actions.numpy()


@contextlib.contextmanager
def rescaled(networks: Sequence[QMLENetwork], factor: float) -> Iterator[None]:
  """Has all Q-values multiplied by a factor, for as long as the context lasts."""
  variables = [
    v for network in networks for v in (network.q.output.w, network.q.output.b)
  ]
  before = [variable.numpy() for variable in variables]
  for variable, value in zip(variables, before, strict=True):
    variable.assign(np.float32(factor) * value)
  yield
  for variable, value in zip(variables, before, strict=True):
    variable.assign(value)


def step(
  known: dict[int, np.ndarray],
  sample: Sample,
  config: QMLEConfig,
  seed: np.ndarray,
  unit: float,
  network: QMLENetwork,
  target_network: QMLENetwork,
  second: QMLENetwork | None = None,
  second_target_network: QMLENetwork | None = None,
) -> Step:
  """Returns what the step comes to; changes nothing.

  Args:
    known: the best known actions [A] by key.
    sample: the batch.
    config: of the agent.
    seed: of the candidates, int64 [2].
    unit: what rewards are divided by.
    network: the online network before the step.
    target_network: that before the step.
    second: the online network of the second critic, if there is one.
    second_target_network: its target network.
  """
  keys = sample.keys.numpy().tolist()
  o_tm1, a_tm1, r_t, d_t, o_t = (field.numpy() for field in sample.transition)
  cached = np.stack([known.get(k, a) for k, a in zip(keys, a_tm1, strict=True)])
  proposed = propose(target_network, o_t, config.m_target, seed)
  candidates = proposed
  if config.use_cache:
    candidates = np.concatenate([proposed, cached[:, None]], axis=1)
  values = q_values(target_network, o_t, candidates).numpy()  # [B, N or N + 1]
  winner = values.argmax(axis=1)
  rows = np.arange(len(keys))
  q_next = values[rows, winner]
  if second_target_network is not None:
    chosen = candidates[rows, winner][:, None]
    other = q_values(second_target_network, o_t, chosen)[:, 0].numpy()
    q_next = np.minimum(q_next, other)
  lost = 0.0
  if config.action_gap:
    other_seed = np.array([~seed[0], seed[1]])
    others = propose(target_network, o_tm1, config.m_target, other_seed)
    best_tm1 = q_values(target_network, o_tm1, others).numpy().max(axis=1)
    old = q_values(target_network, o_tm1, a_tm1[:, None])[:, 0].numpy()
    lost = config.action_gap * np.maximum(best_tm1 - old, 0.0)
  target = r_t / unit - lost + d_t * q_next
  weights = (1.0 / sample.probabilities.numpy()) ** config.importance_exponent
  weights /= weights.max()
  best = candidates[rows, winner]
  mle_target = best if config.mle_target == 'improved' else cached

  weights = weights.astype(np.float32)
  with tf.GradientTape() as q_tape:
    q_tm1 = q_values(network, o_tm1, a_tm1[:, None])[:, 0]
    q_loss = tf.reduce_mean(weights * (target - q_tm1) ** 2)
  with tf.GradientTape() as predictor_tape:
    predictor_loss = _predictor_loss(network, o_t, mle_target, config.bins)
  gradients = {
    **_gradients(q_tape, q_loss, network.q),
    **_gradients(predictor_tape, predictor_loss, network.ensemble),
  }
  second_gradients: list[np.ndarray | None] = []
  if second is not None:
    with tf.GradientTape() as tape:
      values_tm1 = q_values(second, o_tm1, a_tm1[:, None])[:, 0]
      loss = tf.reduce_mean(weights * (target - values_tm1) ** 2)
    found = _gradients(tape, loss, second.q)
    second_gradients = [found.get(v.ref()) for v in second.trainable_variables]
  return Step(
    best_action=best,
    winners=np.all(candidates == best[:, None], axis=2),
    mle_target=mle_target,
    q_tm1=q_tm1.numpy(),
    q_max=values[rows, winner],
    td_error=target - q_tm1.numpy(),
    weights=weights,
    q_loss=float(q_loss),
    predictor_loss=float(predictor_loss),
    gradients=[gradients[v.ref()] for v in network.trainable_variables],
    second_gradients=second_gradients,
  )


def _predictor_loss(
  network: QMLENetwork, observations: np.ndarray, actions: np.ndarray, bins: int
) -> tf.Tensor:
  """Returns -log f(actions) of the members delta and categorical, mean over B."""
  delta, categorical = network.ensemble.predictors
  embeddings = tf.constant(network.q.embed(tf.constant(observations)).numpy())
  delta_loss = tf.reduce_sum((tf.tanh(delta(embeddings)) - actions) ** 2, axis=-1)
  logits = tf.reshape(categorical(embeddings), [*actions.shape, bins])  # [B, A, K]
  distance = np.abs(actions[..., None] - np.linspace(-1.0, 1.0, bins))  # [B, A, K]
  is_bin = np.eye(bins, dtype=np.float32)[distance.argmin(axis=-1)]  # [B, A, K]
  log_likelihood = tf.reduce_sum(tf.math.log_softmax(logits) * is_bin, axis=[1, 2])
  return tf.reduce_mean(delta_loss - log_likelihood)


def _gradients(
  tape: tf.GradientTape, loss: tf.Tensor, module: snt.Module
) -> dict[object, np.ndarray]:
  """Returns the gradient of each variable of a module, by its reference."""
  variables = module.trainable_variables
  gradients = tape.gradient(loss, variables)
  return {v.ref(): g.numpy() for v, g in zip(variables, gradients, strict=True)}
