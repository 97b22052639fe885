"""The records that cross a seam between parts, every field with its shape.

B batch, N candidates, P proposers, A action dimensions, O flattened observation.
Everything is float32 unless stated. Actions inside the agent are always in the agent's
own coordinates (see `actions.base`).
"""

from typing import NamedTuple, TypeAlias

import numpy as np
import tensorflow as tf

# A dense tensor, or the array that stands for one in tests and at the edges.
Tensor: TypeAlias = tf.Tensor
Array: TypeAlias = np.ndarray
# The seed of TensorFlow's stateless random functions: int32 or int64 [2].
Seed: TypeAlias = tf.Tensor


class Transition(NamedTuple):
  """An n-step transition, as stored in replay and as sampled from it."""

  o_tm1: Tensor  # [B, O]
  a_tm1: Tensor  # [B, A]
  r_t: Tensor  # [B] sum of n discounted rewards
  d_t: Tensor  # [B] product of n environment discounts and n discount factors
  o_t: Tensor  # [B, O]


class Sample(NamedTuple):
  """What prioritised replay hands to the learner."""

  keys: Tensor  # [B] int64, Reverb's uint64 item keys, bit for bit
  probabilities: Tensor  # [B] float64, probability with which each item was drawn
  transition: Transition


class Candidates(NamedTuple):
  """Actions among which the arg max is taken, and who proposed each of them."""

  actions: Tensor  # [B, N, A]
  proposers: Tensor  # [N] int32, index into the proposal's names


class ArgmaxResult(NamedTuple):
  """The best candidate of each state."""

  action: Tensor  # [B, A]
  value: Tensor  # [B]
  winners: Tensor  # [B, P] bool, which of P proposers have proposed it
