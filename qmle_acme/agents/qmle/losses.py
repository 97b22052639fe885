"""The maths of a QMLE learner step, as pure functions. B batch."""

import tensorflow as tf

from qmle_acme.types import Tensor

# Added to every priority, so that no item becomes impossible to draw.
MIN_PRIORITY = 1e-6


def importance_weights(probabilities: Tensor, exponent: float) -> Tensor:
  """Returns weights (1 / p)^exponent, divided by their largest, [B].

  They correct the bias of prioritised sampling (Schaul et al., arXiv 1511.05952,
  section 3.4; the table's size cancels in the division).

  Args:
    probabilities: [B] with which each item was drawn, any float type.
    exponent: 0 corrects nothing, 1 everything.
  """
  weights = tf.pow(probabilities, -exponent)
  return tf.cast(weights / tf.reduce_max(weights), tf.float32)


def bellman_target(r_t: Tensor, d_t: Tensor, q_max: Tensor) -> Tensor:
  """Returns r_t + d_t q_max, [B], through which no gradient passes."""
  return tf.stop_gradient(r_t + d_t * q_max)


def action_gap_penalty(share: float, q_max: Tensor, q_tm1: Tensor) -> Tensor:
  """Returns share x max(0, q_max - q_tm1), [B]: what an action that is not best loses.

  Taken off the target it makes the gap between the best action and another one
  1 / (1 - share) times as large, while the best action keeps its value: advantage
  learning (Bellemare et al., arXiv 1512.04860, equation 6).

  Args:
    share: their alpha, in [0, 1).
    q_max: [B] max_a Q(o_tm1, a), of the target network.
    q_tm1: [B] Q(o_tm1, a_tm1), of the target network.
  """
  return share * tf.nn.relu(q_max - q_tm1)


def q_loss(q_tm1: Tensor, target: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
  """Returns the losses weight x td_error^2 and the TD errors target - q_tm1, [B]."""
  td_error = target - q_tm1
  return weights * tf.square(td_error), td_error


def priorities(td_error: Tensor) -> Tensor:
  """Returns |td_error| + 1e-6, [B]."""
  return tf.abs(td_error) + MIN_PRIORITY
