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


def maximize(rank: Scorer, evaluate: Scorer, candidates: Candidates) -> ArgmaxResult:
  """Returns the candidate that ranks highest in each state; the first of equals.

  Args:
    rank: quick values, of which only the order counts.
    evaluate: exact values; asked for the winners alone.
    candidates: with actions [B, N, A].
  """
  ranks = rank(candidates.actions)  # [B, N]
  best = tf.argmax(ranks, axis=1, output_type=tf.int32)  # [B]
  action = tf.gather(candidates.actions, best, axis=1, batch_dims=1)  # [B, A]
  return ArgmaxResult(
    action=action,
    value=evaluate(action[:, None])[:, 0],
    proposer=tf.gather(candidates.proposers, best),
  )
