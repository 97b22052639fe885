"""The Monte Carlo arg max taken twice: a second round around the best few of the first.

No gradient is taken: what is jagged, or has digits, is searched as well. B batch, N and
n candidates of the first and the second round, G groups, A action dimensions, C
continuous ones and D digits of them, H width.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from qmle_acme.actions import ActionSpace
from qmle_acme.agents.qmle.argmax.maximize import winners_of
from qmle_acme.types import ArgmaxResult, Candidates, Seed, Tensor

# Returns the best of actions [B, N, A] for embeddings [B, H], int32 [B], and its value.
ArgmaxFunction: TypeAlias = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]

# The best few are the best of so many groups of the first round.
_GROUPS = 2
# Standard deviations of the steps from them, in turn: how far to look is not known.
_SPREADS = np.array([0.4, 0.2, 0.1], np.float32)


def two_rounds(
  argmax: ArgmaxFunction,
  space: ActionSpace,
  embeddings: Tensor,
  candidates: Candidates,
  count: int,
  proposer: int,
  proposers: int,
  seed: Seed,
) -> ArgmaxResult:
  """Returns the best of the candidates and of others that are near the best of them.

  Args:
    argmax: of one round.
    space: the action space.
    embeddings: [B, H] of the observations; B is static.
    candidates: of the first round, [B, N, A]; the last one is the last of its group.
    count: n, at least 1.
    proposer: index under which a win of the second round is counted.
    proposers: number of all of them.
    seed: of the second round.
  """
  few, values = _best_few(argmax, embeddings, candidates)  # [B, G, A], [B, G]
  best = tf.argmax(values, axis=1)
  first, value = (tf.gather(x, best, axis=1, batch_dims=1) for x in (few, values))
  near = Candidates(neighbours(space, few, count, seed), tf.fill([count], proposer))
  best, near_value = argmax(embeddings, near.actions)
  second = tf.gather(near.actions, best, axis=1, batch_dims=1)
  # The values of both are exact: that of the first round needs no second look.
  is_better = near_value > value
  action = tf.where(is_better[:, None], second, first)
  winners = (winners_of(c, action, proposers) for c in (candidates, near))
  return ArgmaxResult(
    action, tf.maximum(value, near_value), tf.math.logical_or(*winners)
  )


def neighbours(space: ActionSpace, actions: Tensor, count: int, seed: Seed) -> Tensor:
  """Returns actions [B, n, A] inside the space near those that are given, in turn.

  In the space of the proposals continuous dimensions take Gaussian steps of several
  sizes, and each digit is drawn anew with probability 1 / D.

  Args:
    space: the action space.
    actions: [B, G, A]; B is static.
    count: n.
    seed: of the steps.
  """
  start, inner = space.to_proposal(actions), space.proposal
  turns, size = np.arange(count), inner.num_continuous
  shape = (actions.shape[0], count)
  steps_seed, where_seed, digits_seed = tf.unstack(tf.random.split(seed, 3))
  start = tf.gather(start, turns % actions.shape[1], axis=1)  # [B, n, A]
  spreads = _SPREADS[turns // actions.shape[1] % len(_SPREADS)][:, None]  # [n, 1]
  steps = spreads * tf.random.stateless_normal((*shape, size), steps_seed)
  moved = start[..., :size] + steps
  digits = start[..., size:]
  if size < inner.size:
    chance = tf.random.stateless_uniform(tf.shape(digits), where_seed)
    drawn = inner.sample_uniform(shape, digits_seed)[..., size:]
    digits = tf.where(chance < 1.0 / (inner.size - size), drawn, digits)
  return space.from_proposal(inner.clip(tf.concat([moved, digits], axis=-1)))


def _best_few(
  argmax: ArgmaxFunction, embeddings: Tensor, candidates: Candidates
) -> tuple[Tensor, Tensor]:
  """Returns the best of each group of candidates that lie together, and its value.

  They are [B, G, A] and [B, G].
  """
  batch, count, size = candidates.actions.shape
  groups = min(_GROUPS, count)
  length = -(-count // groups)
  # The first groups share some, so that all are as long and the last stays the last.
  starts = np.maximum(0, count - length * np.arange(groups, 0, -1)).astype(np.int32)
  index = starts[:, None] + np.arange(length)  # [G, N / G]
  actions = tf.gather(candidates.actions, index, axis=1)  # [B, G, N / G, A]
  best, value = argmax(
    tf.repeat(embeddings, groups, axis=0),
    tf.reshape(actions, [batch * groups, length, size]),
  )
  place = starts + tf.reshape(best, [-1, groups])
  few = tf.gather(candidates.actions, place, axis=1, batch_dims=1)
  return few, tf.reshape(value, [-1, groups])
