"""What goes from the learner to the actors, in the form of Acme's variables.

P number of all parameters of a network.
"""

from collections.abc import Sequence

import tensorflow as tf

from qmle_acme.types import Array, Tensor


class Parameters:
  """All variables of a network as one vector.

  To serve, to fetch and to assign one array costs far less than one for each variable.
  """

  def __init__(self, variables: Sequence[tf.Variable]):
    """Initialises.

    Args:
      variables: of float32, in an order that is the same on both sides.
    """
    self._variables = tuple(variables)

  def numpy(self) -> Array:
    """Returns the values, [P]."""
    return self._concatenate().numpy()

  def assign(self, values: Array) -> None:
    """Takes new values [P], as Acme's client does with variables.

    Raises:
      tf.errors.InvalidArgumentError: there are not P of them.
    """
    self._assign(tf.constant(values))

  @tf.function(autograph=False)
  def _concatenate(self) -> Tensor:
    return tf.concat([tf.reshape(v, [-1]) for v in self._variables], axis=0)

  @tf.function(autograph=False)
  def _assign(self, values: Tensor) -> None:
    sizes = [variable.shape.num_elements() for variable in self._variables]
    for variable, part in zip(self._variables, tf.split(values, sizes), strict=True):
      variable.assign(tf.reshape(part, variable.shape))


class Number:
  """One number; to read it costs far less than a variable."""

  def __init__(self, value: float):
    self.value = value

  def assign(self, value: Array) -> None:
    """Takes a new value, as Acme's client does with variables."""
    self.value = float(value)
