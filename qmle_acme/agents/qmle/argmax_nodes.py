"""Nodes that take the arg max of the target network in the learner's place.

The learner sends what it depends on: o_t, the cached actions and the seed; and, to a
node that has none of the newest, the parameters. So the result is that of the learner,
to the bit, on processors of one kind. Arrays go as the bytes of their float32 numbers:
a Courier server waits for ever over an argument that is an array. B batch, O
observation, A action dimensions, P proposers, V number of all parameters of the target
network.
"""

import concurrent.futures
from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import tensorflow as tf
from absl import logging

from qmle_acme.agents.qmle.networks import QNetwork
from qmle_acme.agents.qmle.parameters import Parameters
from qmle_acme.types import ArgmaxResult, Array, Seed, Tensor

# So many more batches than there are nodes are under way: none waits for its next one.
_SPARE = 1
# More would be drawn by old priorities, and gain nothing beside a learner's own part.
_MOST_UNDER_WAY = 8
# A node that takes longer is done without until it answers again.
_PATIENCE_SECONDS = 5.0


class Client(Protocol):
  """A Courier client that waits for its server."""

  @property
  def futures(self) -> Any:
    """Has the server's methods; each returns a future."""


class ArgmaxServer:
  """What a node serves; its server must take one call at a time."""

  def __init__(self, network: QNetwork, observation_size: int, m_target: int):
    """Takes a network whose values the learner will send.

    Args:
      network: of the form of the learner's target network.
      observation_size: O.
      m_target: candidates in each arg max.
    """
    self._network = network
    self._observation_size = observation_size
    self._m_target = m_target
    self._parameters = Parameters(network.variables)
    self._version: int | None = None

  def trace(self, batch: int, width: int) -> None:
    """Has the graph made for rows [batch, width] before a learner waits for it."""
    self._argmax(tf.zeros([batch, width]), tf.constant([0, 0], tf.int64))

  def ready(self) -> bool:
    """Returns that the node is up."""
    return True

  def argmax(
    self,
    version: int,
    parameters: bytes | None,
    rows: bytes,
    batch: int,
    seed: tuple[int, int],
  ) -> tuple[Array, Array, Array]:
    """Returns action [B, A], value [B] and winners [B, P] of an arg max.

    Args:
      version: of the parameters that it is for.
      parameters: [V], unless the node has answered with those of that version.
      rows: [B, O + A], observations and cached actions; [B, O] if those are not kept.
      batch: B.
      seed: of the candidates.

    Raises:
      ValueError: the node has none, as after a start, or those of another version.
    """
    if parameters is not None and version != self._version:
      self._parameters.assign(np.frombuffer(parameters, np.float32))
      self._version = version
    if self._version is None:
      raise ValueError('this node has just started, and has no parameters yet')
    if version != self._version:
      raise ValueError(f'this node has parameters {self._version}, not {version}')
    values = np.frombuffer(rows, np.float32).reshape(batch, -1)
    best = self._argmax(tf.constant(values), tf.constant(seed, tf.int64))
    return best.action.numpy(), best.value.numpy(), best.winners.numpy()

  @tf.function(autograph=False)
  def _argmax(self, rows: Tensor, seed: Seed) -> ArgmaxResult:
    observations = rows[:, : self._observation_size]
    has_cached = rows.shape[1] > self._observation_size
    cached = rows[:, self._observation_size :] if has_cached else None
    return self._network.argmax(observations, self._m_target, seed, cached)


class _Node:
  """A node as the learner sees it.

  Attributes:
    under_way: batches that it has not answered yet.
    version: of the parameters that it has told to have, by an answer: of two calls the
      smaller one, without them, may come first.
  """

  def __init__(self, client: Client):
    self._client = client
    self.under_way = 0
    self.leave_out()

  def leave_out(self) -> None:
    """Does without the node until it answers: one that starts again knows nothing."""
    self.version: int | None = None
    self._answer = self._client.futures.ready()

  def is_up(self) -> bool:
    """Returns whether the node has answered since it was left out."""
    if self._answer is None:
      return True
    if not self._answer.done():
      return False
    if self._answer.exception():
      self.leave_out()
      return False
    self._answer = None
    return True

  def send(self, version: int, *arguments: Any) -> 'Pending':
    self.under_way += 1
    return Pending(self, version, self._client.futures.argmax(version, *arguments))


class Pending:
  """An arg max that a node is taking."""

  def __init__(self, node: _Node, version: int, future: concurrent.futures.Future[Any]):
    self._node = node
    self._version = version
    self._future = future

  def wait(self) -> ArgmaxResult | None:
    """Returns the result; None if the node has died, failed or hangs."""
    self._node.under_way -= 1
    patience = _PATIENCE_SECONDS if self._node.is_up() else 0.0
    try:
      action, value, winners = self._future.result(patience)
    except Exception as error:  # Courier raises many kinds.
      self._future.cancel()
      if self._node.is_up():
        logging.warning('an arg max node is done without for now: %r', error)
        self._node.leave_out()
      return None
    if self._node.is_up():
      self._node.version = self._version
    return ArgmaxResult(*map(tf.constant, (action, value, winners)))


class ArgmaxNodes:
  """The nodes that the learner may send to, as far as they are up."""

  def __init__(self, clients: Sequence[Client]):
    """Takes a client of each node; the nodes need not be up yet."""
    self._nodes = [_Node(client) for client in clients]
    self._version = 0
    self._parameters = b''

  def batches_under_way(self) -> int:
    """Returns how many batches keep those nodes busy that are up; 0 if none is."""
    up = sum(node.is_up() for node in self._nodes)
    return min(up + _SPARE, _MOST_UNDER_WAY) if up else 0

  def set_parameters(self, parameters: Array) -> None:
    """Takes the target network's parameters [V] for what is sent from now on."""
    self._version += 1
    self._parameters = parameters.tobytes()

  def send(self, rows: Array, seed: tuple[int, int]) -> Pending | None:
    """Sends an arg max to the node with the least to do.

    Args:
      rows: [B, O + A], observations and cached actions; [B, O] if those are not kept.
      seed: of the candidates.

    Returns:
      What will come of it; None if no node is up.
    """
    up = [node for node in self._nodes if node.is_up()]
    if not up:
      return None
    node = min(up, key=lambda node: node.under_way)
    parameters = None if node.version == self._version else self._parameters
    return node.send(self._version, parameters, rows.tobytes(), rows.shape[0], seed)
