"""Calls of the recorder, and what they may carry.

A Courier call that is given one of numpy's numbers never comes back, and whoever has
called stands still for ever. So nothing but plain data is sent.
"""

from collections.abc import Callable
from typing import Any

import courier

_PLAIN = (bool, int, float, str, bytes, type(None))


class PlainCalls:
  """A client of the recorder that refuses what is not plain data."""

  def __init__(self, client: courier.Client):
    self._client = client

  def __getattr__(self, name: str) -> Callable[..., Any]:
    """Returns a method of the recorder.

    Raises:
      TypeError: when it is called with what is not plain data; nothing is sent.
    """
    method = getattr(self._client, name)

    def call(*arguments: Any, **named: Any) -> Any:
      check(name, [arguments, named])
      return method(*arguments, **named)

    return call


def check(name: str, data: Any) -> None:
  """Checks that data is plain: Python's own numbers, words, and what holds them.

  Args:
    name: of the data, for the error.
    data: numbers, words and bytes, or lists, tuples and dictionaries of these.

  Raises:
    TypeError: it is not.
  """
  if isinstance(data, dict):
    for key, value in data.items():
      check(f'{name}/{key}', value)
  elif isinstance(data, list | tuple):
    for value in data:
      check(name, value)
  elif type(data) not in _PLAIN:  # numpy.float64 is a kind of float, too.
    raise TypeError(f'{name} is given a {type(data).__name__}: only plain data is sent')
