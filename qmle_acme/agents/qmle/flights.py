"""Batches on their way from replay into a learner step.

Where nodes take the arg max, a few batches are under way at once. A batch is sent only
if the target network will be the same when its step comes. So none crosses a copy of
the parameters: those that would are drawn, and sent, after it. B batch, A action
dimensions.
"""

import collections
from collections.abc import Iterator
from typing import NamedTuple, Protocol, cast

import tensorflow as tf

from qmle_acme.agents.qmle.argmax import ArgmaxCache
from qmle_acme.agents.qmle.argmax_nodes import ArgmaxNodes, Pending
from qmle_acme.agents.qmle.config import QMLEConfig
from qmle_acme.agents.qmle.parameters import Parameters
from qmle_acme.agents.qmle.scaling import RewardScale
from qmle_acme.graphs import SingleGraph
from qmle_acme.types import Sample, Tensor


class Known(NamedTuple):
  """What the cache knew of a batch when that was drawn."""

  action: Tensor  # [B, A]
  is_hit: Tensor  # [B] bool


class Flight(NamedTuple):
  """A batch on its way.

  Attributes:
    sample: the batch.
    known: the cached actions that went with it, if a node takes its arg max.
    pending: what that node will answer.
    moves_target: whether its step changes the target network.
  """

  sample: Sample
  known: Known | None = None
  pending: Pending | None = None
  moves_target: bool = False


class _Queue(Protocol):
  """Batches that may be asked for without waiting for ever."""

  def poll(self) -> Sample | None:
    """Returns the next batch, or None if there is none soon."""


class Flights:
  """Draws batches, and sends some ahead to the nodes that take their arg max."""

  def __init__(
    self,
    samples: Iterator[Sample],
    nodes: ArgmaxNodes,
    cache: ArgmaxCache,
    reward_scale: RewardScale,
    target: Parameters,
    config: QMLEConfig,
    seed: int,
  ):
    """Takes what gives batches, and what is asked before they are sent.

    Args:
      samples: batches from replay; where there are nodes it has `poll` as well.
      nodes: that take the arg max, if there are any.
      cache: the best known action of each replay item.
      reward_scale: the unit of Q, which a batch may enlarge.
      target: of the target network.
      config: the agent's settings.
      seed: of the candidates.
    """
    self._samples = samples
    self._nodes = nodes
    self._cache = cache
    self._reward_scale = reward_scale
    self._target = target
    self._config = config
    self._seed = seed
    self._flights: collections.deque[Flight] = collections.deque()
    self._target_moved = True
    self._look_up = SingleGraph(self._known_and_sent)

  def next(self, step: int) -> Flight:
    """Returns the batch of a learner step, and sends those of later ones ahead."""
    flights = self._flights
    if not flights:
      flights.append(self._depart(next(self._samples), step))
    while len(flights) < self._nodes.batches_under_way():
      if flights[-1].moves_target:
        break
      sample = cast(_Queue, self._samples).poll()
      if sample is None:
        break
      flights.append(self._depart(sample, step + len(flights)))
    flight = flights.popleft()
    self._target_moved |= flight.moves_target
    return flight

  def _depart(self, sample: Sample, step: int) -> Flight:
    """Sends a batch to a node, if one is up."""
    if not self._nodes.batches_under_way():
      return Flight(sample, moves_target=True)
    known, rows, is_rescaled = self._look_up(sample)
    if is_rescaled:  # The step changes the target network before its arg max.
      return Flight(sample, moves_target=True)
    if self._target_moved:
      self._nodes.set_parameters(self._target.numpy())
      self._target_moved = False
    config = self._config
    pending = self._nodes.send(rows.numpy(), (self._seed, step))
    moves_target = (step + 1) % config.target_update_period == 0
    return Flight(sample, known, pending, moves_target)

  def _known_and_sent(self, sample: Sample) -> tuple[Known, Tensor, Tensor]:
    """Returns what is known, what nodes are sent, and whether the unit of Q changes."""
    transition = sample.transition
    known = Known(*self._cache.lookup(sample.keys, default=transition.a_tm1))
    cached = [known.action] if self._config.use_cache else []
    rows = tf.concat([transition.o_t, *cached], axis=1)  # [B, O + A]
    is_rescaled = (
      self._reward_scale.is_exceeded(transition.r_t)
      if self._config.scale_rewards
      else tf.constant(False)
    )
    return known, rows, is_rescaled
