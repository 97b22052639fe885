"""A critic: a network, the target network that follows it, and what moves both."""

from typing import Any

import sonnet as snt
import tensorflow as tf

from qmle_acme.agents.optimizers import adam
from qmle_acme.agents.qmle.config import QMLEConfig
from qmle_acme.agents.qmle.networks import QNetwork
from qmle_acme.types import Tensor


class Critic:
  """One estimate of Q.

  Attributes:
    network: the online network.
    target_network: the target network, at first a copy of the online one.
  """

  def __init__(self, network: QNetwork, target_network: QNetwork, config: QMLEConfig):
    """Initialises.

    Args:
      network: the online network.
      target_network: of the same shape; becomes a copy of the online one.
      config: the agent's settings.
    """
    self.network = network
    self.target_network = target_network
    self._config = config
    rate, changes = config.learning_rate, config.learning_rate_half_life > 0
    self._optimizer = adam(
      tf.Variable(rate, trainable=False) if changes else rate,
      network.trainable_variables,
    )
    follow(network, target_network, rate=1.0)

  @property
  def learning_rate(self) -> float:
    """Of the last step."""
    return float(self._optimizer.learning_rate)

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

    The step size halves in each half-life. Matrices decay; biases, and the scales and
    offsets of norms, do not. What the loss does not depend on stays as it is.

    Args:
      tape: that has seen how the loss came about.
      loss: a scalar.
    """
    variables = self.network.trainable_variables
    gradients = tape.gradient(loss, variables)
    if half_life := self._config.learning_rate_half_life:
      halvings = tf.cast(self._optimizer.step, tf.float32) / half_life
      rate = self._config.learning_rate * 0.5**halvings
      self._optimizer.learning_rate.assign(rate)
    if self._config.weight_decay:
      decay = self._optimizer.learning_rate * self._config.weight_decay
      for variable, gradient in zip(variables, gradients, strict=True):
        if decays(variable) and gradient is not None:
          variable.assign((1.0 - decay) * variable)
    self._optimizer.apply(gradients, variables)


def decays(variable: tf.Variable) -> bool:
  """Returns whether weight decay takes a variable: a matrix, or a stack of them.

  The biases of a stack are a matrix, too, and do not decay.
  """
  name = variable.name.rpartition('/')[2]
  return variable.shape.rank > 1 and not name.startswith('b:')


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
