"""Graphs of one signature, which cost less to call than those of `tf.function`."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf


class SingleGraph:
  """A function of tensors as a graph, traced once.

  `tf.function` looks for a graph by the types of all arguments in each call. That takes
  as long as a small graph does, or an eighth of a decision.
  """

  def __init__(self, function: Callable[..., Any], *arguments: tf.TensorSpec):
    """Initialises.

    Args:
      function: of tensors, and of tuples of them.
      arguments: what it is traced for, now; without them, at the first call, for the
        shapes of that.
    """
    self._function = tf.function(function, autograph=False)
    self._graph: Callable[..., Any] | None = None
    if arguments:
      self._graph = self._function.get_concrete_function(*arguments)

  def __call__(self, *arguments: Any) -> Any:
    """Returns what the function does; all calls take arguments of the same shapes."""
    if self._graph is None:
      self._graph = self._function.get_concrete_function(*arguments)
    return self._graph(*arguments)
