"""The Monte Carlo arg max: the best of a finite set of candidates.

max_a Q(s, a) is taken over A_m, m sampled candidates (arXiv 2410.06317, Monte Carlo
arg max). B batch, N candidates, P proposers, A action dimensions.
"""

import tensorflow as tf

from qmle_acme.types import ArgmaxResult, Candidates, Tensor


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


def best_of(
  candidates: Candidates, best: Tensor, value: Tensor, proposers: int
) -> ArgmaxResult:
  """Returns the best candidate of each state, and all who have proposed it.

  Args:
    candidates: with actions [B, N, A].
    best: int32 [B], which of them it is.
    value: [B].
    proposers: P.
  """
  action = tf.gather(candidates.actions, best, axis=1, batch_dims=1)  # [B, A]
  return ArgmaxResult(action, value, winners_of(candidates, action, proposers))


def winners_of(candidates: Candidates, action: Tensor, proposers: int) -> Tensor:
  """Returns which of P proposers have action [B, A] among their candidates, [B, P]."""
  is_equal = tf.reduce_all(candidates.actions == action[:, None], axis=-1)  # [B, N]
  is_by = tf.one_hot(candidates.proposers, proposers)  # [N, P]
  return tf.cast(is_equal, tf.float32) @ is_by > 0.0
