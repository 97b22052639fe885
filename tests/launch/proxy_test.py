"""Our own servers are reached past a proxy that leads nowhere."""

import os
from collections.abc import Iterator

import courier
import pytest
import reverb
import tensorflow as tf

from qmle_acme.launch import main

NOWHERE = 'http://127.0.0.1:9'
PROXIES = ('http_proxy', 'https_proxy', 'grpc_proxy', 'all_proxy')
SECONDS = 30


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
  for name in ('no_proxy', 'no_grpc_proxy'):
    monkeypatch.delenv(name, raising=False)
  for name in PROXIES:
    monkeypatch.setenv(name, NOWHERE)
    monkeypatch.setenv(name.upper(), NOWHERE)
  # Only this one: what is preloaded is read when a process starts.
  monkeypatch.setenv('grpc_proxy', main.make_environment(os.environ)['grpc_proxy'])
  yield


def test_proxies_for_others_stay() -> None:
  made = main.make_environment({'http_proxy': 'a', 'grpc_proxy': 'b', 'no_proxy': 'c'})

  assert (made['http_proxy'], made['grpc_proxy'], made['no_proxy']) == ('a', '', 'c')


def test_reverb_is_reached() -> None:
  table = reverb.Table.queue('queue', 1, signature=tf.TensorSpec([], tf.int64))
  server = reverb.Server([table], port=None)

  assert 'queue' in reverb.Client(f'localhost:{server.port}').server_info(SECONDS)
  server.stop()


def test_courier_is_reached() -> None:
  server = courier.Server()
  server.Bind('double', lambda number: 2 * number)
  server.Start()
  client = courier.Client(server.address, call_timeout=SECONDS)

  assert client.double(21) == 42
  server.Stop()
