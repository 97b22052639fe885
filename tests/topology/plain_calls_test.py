"""What Courier would hang on is refused before it is sent, by real clients."""

from collections.abc import Iterator
from typing import Any

import courier
import numpy as np
import pytest

from qmle_acme.topology.lasting_counter import LastingCounter
from qmle_acme.topology.plain_calls import PlainCalls

received: list[Any] = []


@pytest.fixture
def client() -> Iterator[courier.Client]:
  """A client of a server that keeps what it gets."""
  received.clear()
  server = courier.Server('counter')
  server.Bind('get_counts', dict)
  server.Bind('restore', received.append)
  server.Bind('record_metrics', lambda *arguments: received.append(arguments))
  server.Start()
  yield courier.Client(server.address)
  server.Stop()


@pytest.mark.parametrize('kind', [PlainCalls, LastingCounter])
@pytest.mark.parametrize(
  'value', [np.float32(1.0), np.float64(1.0), np.int64(1), np.bool_(True), np.zeros(2)]
)
def test_numbers_of_numpy_are_refused_and_nothing_is_sent(
  client: courier.Client, kind: Any, value: Any
) -> None:
  counter = kind(client)
  with pytest.raises(TypeError, match=f'q_start is given a {type(value).__name__}'):
    counter.record_metrics('actor', {'episode_length': 3, 'q_start': value})
  with pytest.raises(TypeError, match='record_metrics is given'):
    counter.record_metrics('actor', [1.0, (value,)])
  assert not received


@pytest.mark.parametrize('kind', [PlainCalls, LastingCounter])
def test_plain_data_is_sent_as_it_is(client: courier.Client, kind: Any) -> None:
  record = {'a': 1.5, 'b': [True, None, (2, 'c')], 'd': b'e'}
  kind(client).record_metrics('actor', record)
  assert received == [('actor', record)]
