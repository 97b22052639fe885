"""A critic: a network, the target network that follows it, and what moves both."""

from typing import Any

import sonnet as snt
import tensorflow as tf

from qmle_acme.agents.optimizers import adam
from qmle_acme.agents.qmle.networks import QNetwork
from qmle_acme.types import Tensor


class Critic:
  """One estimate of Q.

  Attributes:
    network: the online network.
    target_network: the target network, at first a copy of the online one.
  """

  def __init__(
    self,
    network: QNetwork,
    target_network: QNetwork,
    learning_rate: float,
    weight_decay: float,
  ):
    """Initialises.

    Args:
      network: the online network.
      target_network: of the same shape; becomes a copy of the online one.
      learning_rate: step size of Adam.
      weight_decay: share of the weights that a step of size 1 would take off.
    """
    self.network = network
    self.target_network = target_network
    self._optimizer = adam(learning_rate, network.trainable_variables)
    self._decay = learning_rate * weight_decay
    follow(network, target_network, rate=1.0)

  @property
  def state(self) -> dict[str, Any]:
    """Networks and optimiser, for `tf.train.Checkpoint`."""
    return {
      'network': self.network,
      'target_network': self.target_network,
      'optimizer': self._optimizer,
    }

  def descend(self, tape: tf.GradientTape, loss: Tensor) -> None:
    """Takes one step of Adam, with decoupled weight decay (arXiv 1711.05101).

    Matrices decay; biases, and the scales and offsets of norms, do not. What the loss
    does not depend on stays as it is.

    Args:
      tape: that has seen how the loss came about.
      loss: a scalar.
    """
    variables = self.network.trainable_variables
    gradients = tape.gradient(loss, variables)
    if self._decay:
      for variable, gradient in zip(variables, gradients, strict=True):
        if variable.shape.rank == 2 and gradient is not None:
          variable.assign((1.0 - self._decay) * variable)
    self._optimizer.apply(gradients, variables)


def follow(source: snt.Module, target: snt.Module, rate: float) -> tf.Operation:
  """Moves each variable of `target` by a share of the way to that of `source`.

  What is not trained, such as statistics of observations, is copied.

  Args:
    source: the online network.
    target: the target network.
    rate: 1 copies.
  """

  def moved(old: tf.Variable, new: tf.Variable) -> Tensor:
    is_copied = rate == 1.0 or not new.trainable
    return new if is_copied else old + rate * (new - old)

  pairs = zip(target.variables, source.variables, strict=True)
  return tf.group(*(old.assign(moved(old, new)) for old, new in pairs))
