"""The Monte Carlo arg max: the best of a finite set of candidates.

max_a Q(s, a) is taken over A_m, m sampled candidates (arXiv 2410.06317, Monte Carlo
arg max). B batch, N candidates, A action dimensions.
"""

from collections.abc import Callable
from typing import TypeAlias

import tensorflow as tf

from qmle_acme.types import ArgmaxResult, Candidates, Tensor

# Returns the values [B, N] of actions [B, N, A].
Scorer: TypeAlias = Callable[[Tensor], Tensor]


def with_cached(candidates: Candidates, cached: Tensor, proposer: int) -> Candidates:
  """Returns the candidates and, as the last one, the cached action.

  Args:
    candidates: with actions [B, N, A].
    cached: [B, A] the best action known so far.
    proposer: index under which a win of the cached action is counted.
  """
  actions = tf.concat([candidates.actions, cached[:, None]], axis=1)  # [B, N + 1, A]
  proposers = tf.concat([candidates.proposers, [proposer]], axis=0)
  return Candidates(actions, proposers)


def maximize(scorer: Scorer, candidates: Candidates) -> ArgmaxResult:
  """Returns the candidate of the largest value in each state; the first of equals."""
  values = scorer(candidates.actions)  # [B, N]
  best = tf.argmax(values, axis=1, output_type=tf.int32)  # [B]
  return ArgmaxResult(
    action=tf.gather(candidates.actions, best, axis=1, batch_dims=1),
    value=tf.gather(values, best, axis=1, batch_dims=1),
    proposer=tf.gather(candidates.proposers, best),
  )
