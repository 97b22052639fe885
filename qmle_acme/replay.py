"""Replay: the one place that knows the table, its rows, and how they come and go.

A transition is stored as one packed float32 row [D], D = 2 O + A + 2: in Reverb that
takes a quarter of the memory, and a third of the sampling time, of one column for each
field. B batch, O observation, A action dimensions.
"""

import collections
import contextlib
import dataclasses
import functools
from collections.abc import Callable

import acme.adders
import dm_env
import numpy as np
import reverb
import tensorflow as tf

from qmle_acme.errors import RunFault
from qmle_acme.types import Array, Sample, Tensor, Transition

TABLE = 'replay'
# Rows that are compressed, and become visible, together; fewer take more memory.
CHUNK = 4
# Items that one writer may have in flight before it waits for the server.
MAX_IN_FLIGHT = 2 * CHUNK
# Rows that a dataset draws ahead of what is asked of it.
SAMPLES_IN_FLIGHT = 64
# A writer that is held back gives the interpreter a chance to see a stop this often.
FLUSH_TIMEOUT_MS = 500
_LARGEST = float(np.finfo(np.float32).max)


@dataclasses.dataclass(frozen=True)
class RowFormat:
  """Where the fields of a transition lie in its row.

  Attributes:
    observation_size: O.
    action_size: A.
  """

  observation_size: int
  action_size: int

  @property
  def sizes(self) -> list[int]:
    """Lengths of o_tm1, a_tm1, r_t, d_t, o_t in a row."""
    return [self.observation_size, self.action_size, 1, 1, self.observation_size]

  @property
  def spec(self) -> tf.TensorSpec:
    """Signature of the table: one row."""
    return tf.TensorSpec([sum(self.sizes)], tf.float32, 'row')

  def unpack(self, rows: Tensor) -> Transition:
    """Returns the transition [B, ...] of rows [B, D]."""
    o_tm1, a_tm1, r_t, d_t, o_t = tf.split(rows, self.sizes, axis=-1)
    return Transition(o_tm1, a_tm1, r_t[..., 0], d_t[..., 0], o_t)


def make_table(
  row: RowFormat,
  max_size: int,
  priority_exponent: float,
  rate_limiter: reverb.rate_limiters.RateLimiter,
) -> reverb.Table:
  """Returns the table: drawn in proportion to priority^exponent, oldest out first.

  With an exponent of 0 all items are as likely, and no tree of priorities is kept.
  """
  sampler = (
    reverb.selectors.Prioritized(priority_exponent)
    if priority_exponent
    else reverb.selectors.Uniform()
  )
  return reverb.Table(
    name=TABLE,
    sampler=sampler,
    remover=reverb.selectors.Fifo(),
    max_size=max_size,
    rate_limiter=rate_limiter,
    signature=row.spec,
  )


class NStepAdder(acme.adders.Adder):
  """Writes n-step transitions as packed rows.

  From step t on, r_t is the sum over k < n of (product over i < k of g d_{t+i}) r_{t+k}
  and d_t the product over all n of g d, with g the agent's discount and d that of the
  environment. At the end of an episode the last n - 1 transitions are shorter.
  """

  def __init__(
    self,
    client: reverb.Client,
    n_step: int,
    discount: float,
    encode_action: Callable[[Array], Array],
    priority: Callable[[], float],
  ):
    """Initialises.

    Args:
      client: of the replay server.
      n_step: n, at least 1.
      discount: g.
      encode_action: from the environment's action to the agent's vector [A].
      priority: returns the priority of a new item.
    """
    self._client = client
    self._n_step = n_step
    self._discount = discount
    self._encode_action = encode_action
    self._priority = priority
    self._steps: collections.deque[tuple[Array, Array, float, float]] = (
      collections.deque(maxlen=n_step)
    )

  def add_first(self, timestep: dm_env.TimeStep) -> None:
    """Begins an episode; forgets one that is still under way."""
    if not timestep.first():
      raise ValueError('add_first needs the first time step of an episode')
    self.reset()
    self._observation = timestep.observation

  def add(
    self, action: Array, next_timestep: dm_env.TimeStep, extras: tuple = ()
  ) -> None:
    """Adds one step; writes the transitions that it completes.

    Raises:
      RunFault: rewards, finite each, add up to what is not; their sum is not written.
    """
    del extras
    step = next_timestep
    self._steps.append(
      (self._observation, self._encode_action(action), step.reward, step.discount)
    )
    self._observation = step.observation
    if len(self._steps) == self._n_step:
      self._write()
    if step.last():
      self._write_tail()
      with contextlib.suppress(reverb.DeadlineExceededError):
        self._writer.end_episode(timeout_ms=FLUSH_TIMEOUT_MS)

  @functools.cached_property
  def _writer(self) -> reverb.TrajectoryWriter:
    """The stream to the server, opened when the first step comes."""
    writer = self._client.trajectory_writer(CHUNK)
    writer.configure((), num_keep_alive_refs=CHUNK, max_chunk_length=CHUNK)
    return writer

  def reset(self) -> None:
    """Forgets the episode that is under way; what is written stays."""
    self._steps.clear()

  def _write_tail(self) -> None:
    """Writes the transitions that the end of the episode has cut short."""
    if len(self._steps) == self._n_step:
      self._steps.popleft()
    while self._steps:
      self._write()
      self._steps.popleft()

  def _write(self) -> None:
    """Writes the transition from the oldest step held to the newest observation."""
    r_t, d_t = 0.0, 1.0
    for _, _, reward, discount in self._steps:
      r_t += d_t * float(reward)
      d_t *= self._discount * discount
    if not abs(r_t) <= _LARGEST:
      raise RunFault(
        f'the rewards of {len(self._steps)} steps add up to {r_t:.4g}: their sum must '
        'be finite in float32; use a smaller n_step, or smaller rewards: '
        'scale:<factor>:<environment>'
      )
    o_tm1, a_tm1, _, _ = self._steps[0]
    row = np.concatenate([o_tm1, a_tm1, [r_t, d_t], self._observation])
    self._writer.append(row.astype(np.float32))
    self._writer.create_item(TABLE, self._priority(), self._writer.history[-1])
    # Held back by the rate limiter: the next step waits again.
    with contextlib.suppress(reverb.DeadlineExceededError):
      self._writer.flush(MAX_IN_FLIGHT, timeout_ms=FLUSH_TIMEOUT_MS)


def make_dataset(address: str, row: RowFormat, batch_size: int) -> tf.data.Dataset:
  """Returns the endless dataset of `Sample`, drawn by priority.

  One worker with few samples in flight, and without autotuning, which draws batches
  before they are asked for: then by old priorities, and from fewer rows.
  """
  dataset = reverb.TrajectoryDataset(
    server_address=address,
    table=TABLE,
    dtypes=row.spec.dtype,
    shapes=row.spec.shape,
    num_workers_per_iterator=1,
    max_in_flight_samples_per_worker=SAMPLES_IN_FLIGHT,
  )

  def to_sample(sample: reverb.ReplaySample) -> Sample:
    keys = tf.bitcast(sample.info.key, tf.int64)
    return Sample(keys, sample.info.probability, row.unpack(sample.data))

  options = tf.data.Options()
  options.autotune.enabled = False
  batches = dataset.batch(batch_size, drop_remainder=True).map(to_sample)
  return batches.with_options(options)


class PriorityUpdater:
  """Sends new priorities to the table, as a part of the graph that has made them."""

  def __init__(self, address: str):
    """Takes the address of the replay server, which need not be up yet."""
    # Without a name of its own the client would be gone with the call that made it.
    self._client = reverb.TFClient(address, shared_name=address)

  def __call__(self, keys: Tensor, priorities: Tensor) -> None:
    """Sets the priorities of items; those that are gone are ignored.

    Nothing is sent if one of them is not finite: a NaN would be applied half, and an
    infinity corrupts the server's tree for good.

    Args:
      keys: int64 [B].
      priorities: [B], positive.
    """

    def send() -> tf.Operation:
      items = tf.bitcast(keys, tf.uint64)
      return self._client.update_priorities(
        TABLE, items, tf.cast(priorities, tf.float64)
      )

    are_finite = tf.reduce_all(tf.math.is_finite(priorities))
    tf.cond(are_finite, send, tf.no_op)
