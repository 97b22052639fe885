"""The candidate proposal: a budget split over uniform sampling and the predictors.

B batch, N candidates, A action dimensions, H width.
"""

import math
import pkgutil
from collections.abc import Callable, Sequence

import numpy as np
import sonnet as snt
import tensorflow as tf

from qmle_acme.actions import ActionSpace
from qmle_acme.agents.qmle.predictors import base
from qmle_acme.agents.qmle.predictors.config import NOOP, UNIFORM, MemberConfig
from qmle_acme.types import Candidates, Seed, Tensor


def make_predictor(
  config: MemberConfig, space: ActionSpace, width: int
) -> base.Predictor:
  """Returns the predictor that a config describes.

  Args:
    config: of the member of the ensemble.
    space: the action space.
    width: H.
  """
  family: Callable[..., base.Predictor] = pkgutil.resolve_name(config.PREDICTOR)
  return family(space, width, **config.options)


def split_budget(total: int, ratios: Sequence[float]) -> list[int]:
  """Returns integer counts that sum to `total`, by largest remainder.

  Args:
    total: number of candidates, at least 0.
    ratios: shares that sum to 1; the earlier one wins among equal remainders.
  """
  shares = [total * ratio for ratio in ratios]
  counts = [math.floor(share) for share in shares]
  # Rounded, so that remainders are equal when they are so in decimals.
  order = sorted(range(len(shares)), key=lambda i: round(counts[i] - shares[i], 9))
  for i in order[: total - sum(counts)]:
    counts[i] += 1
  return counts


class Ensemble(snt.Module):
  """Proposes candidates, and learns to propose better ones."""

  def __init__(
    self,
    space: ActionSpace,
    predictors: Sequence[base.Predictor],
    ratios: Sequence[float],
    name: str = 'ensemble',
  ):
    """Initialises.

    Args:
      space: the action space.
      predictors: the members beside uniform sampling.
      ratios: the share of uniform sampling, then those of the predictors; sum 1. Where
        an action is known that does nothing, half of the first go to what is near it.
      name: of the module.
    """
    super().__init__(name=name)
    self._space = space
    self._samplers = {UNIFORM: space.sample_proposal}
    if space.noop is not None:
      self._samplers[NOOP] = space.sample_near_noop
    fixed, *learned = ratios
    self._fixed_ratios = (fixed / len(self._samplers),) * len(self._samplers)
    self._ratios = tuple(learned)
    self.predictors = list(predictors)

  @property
  def names(self) -> tuple[str, ...]:
    """The proposers' names, in the order of `Candidates.proposers`."""
    return (*self._samplers, *(predictor.name for predictor in self.predictors))

  def propose(self, embeddings: Tensor, count: int, seed: Seed) -> Candidates:
    """Returns `count` candidates for each state.

    Those of no predictor come first, and are drawn once for all states, since they do
    not depend on these; the kernel embeds them once.

    Args:
      embeddings: [B, H] observation embeddings; B is static.
      count: N, at least 1.
      seed: of the stateless random functions.
    """
    counts = split_budget(count, (*self._fixed_ratios, *self._ratios))
    seeds = tf.unstack(tf.random.split(seed, len(counts)))
    fixed = len(self._samplers)
    shared = [
      sample((1, n), sampler_seed)
      for sample, n, sampler_seed in zip(
        self._samplers.values(), counts[:fixed], seeds[:fixed], strict=True
      )
    ]
    parts = [tf.repeat(tf.concat(shared, axis=1), embeddings.shape[0], axis=0)]
    parts += [
      self._space.from_proposal(
        predictor.sample(predictor(embeddings), n, predictor_seed)
      )
      for predictor, n, predictor_seed in zip(
        self.predictors, counts[fixed:], seeds[fixed:], strict=True
      )
      if n
    ]
    proposers = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    return Candidates(tf.concat(parts, axis=1), tf.constant(proposers))

  def sample_predictors(self, embeddings: Tensor, seed: Seed) -> Tensor:
    """Returns one action for each state, [B, A], of a predictor drawn by its share.

    Args:
      embeddings: [B, H].
      seed: of the stateless random functions.
    """
    ratios = tf.constant(self._ratios)
    choice_seed, *seeds = tf.unstack(tf.random.split(seed, 1 + len(self._ratios)))
    samples = [
      predictor.sample(predictor(embeddings), 1, predictor_seed)
      for predictor, predictor_seed in zip(self.predictors, seeds, strict=True)
    ]
    logits = tf.repeat(tf.math.log(ratios)[None], tf.shape(embeddings)[0], axis=0)
    choice = tf.random.stateless_categorical(logits, 1, choice_seed)[:, 0]  # [B]
    actions = self._space.from_proposal(tf.concat(samples, axis=1))  # [B, members, A]
    return tf.gather(actions, choice, axis=1, batch_dims=1)

  def loss(self, embeddings: Tensor, actions: Tensor) -> Tensor:
    """Returns the predictors' negative log likelihoods summed over members, [B].

    Args:
      embeddings: [B, H]; no gradient reaches them (the encoder learns from Q alone).
      actions: [B, A] the best action known in each state.
    """
    fixed = tf.stop_gradient(embeddings)
    proposed = self._space.to_proposal(actions)
    losses = [
      predictor.loss(predictor(fixed), proposed) for predictor in self.predictors
    ]
    return tf.add_n(losses) if losses else tf.zeros(tf.shape(actions)[:1])
