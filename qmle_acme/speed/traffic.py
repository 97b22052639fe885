"""What actors cost their servers and the network: rows to replay, variables to them."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import acme
import courier
import psutil
import reverb

from qmle_acme.agents.qmle.learning import MAX_PRIORITY, ONLINE, REWARD_SCALE
from qmle_acme.replay import TABLE
from qmle_acme.runs import factory
from qmle_acme.speed import processes, serving
from qmle_acme.speed.timing import rounded
from qmle_acme.topology.publisher import Publisher

_NAMES = [ONLINE, MAX_PRIORITY, REWARD_SCALE]
_ROWS = 2_000
_FETCHES_PER_REPETITION = 20


def measure(task: str, repetitions: int) -> Iterator[dict[str, Any]]:
  """Yields the bytes and the CPU time of rows and of fetches on a task."""
  fetches = repetitions * _FETCHES_PER_REPETITION
  with processes.start(serve_variables, task, threads=1) as learner:
    port = learner.receive()
    sizes = courier.Client(f'localhost:{port}').get_variables(_NAMES)
    with processes.start(publish_variables, port, threads=1) as publisher:
      yield {
        'task': task,
        'fetches': fetches,
        'bytes_per_row': rounded(_bytes_per_row(task)),
        'bytes_per_fetch': sum(array.nbytes for part in sizes for array in part),
        'learner_ms_per_fetch': rounded(_ms_per_fetch(learner.pid, port, fetches)),
        'publisher_ms_per_fetch': rounded(
          _ms_per_fetch(publisher.pid, publisher.receive(), fetches)
        ),
      }


def serve_variables(task: str) -> Iterator[int]:
  """Serves the variables of a learner of the task; yields the port."""
  config = serving.default_config(task)
  builder = factory.make_builder(config, factory.make_spec(config))
  yield from _serve(builder.make_learner(iter(()), '', 1, lambda _: None))


def publish_variables(port: int) -> Iterator[int]:
  """Serves what is served at a port, by a publisher; yields its port."""
  yield from _serve(Publisher(courier.Client(f'localhost:{port}')))


def _serve(source: acme.VariableSource) -> Iterator[int]:
  server = courier.Server('variables')
  server.Bind('get_variables', source.get_variables)
  server.Start()
  yield server.port
  threading.Event().wait()


def _ms_per_fetch(pid: int, port: int, fetches: int) -> float:
  """Returns the CPU time that a process takes to answer a fetch, in milliseconds."""
  client, process = courier.Client(f'localhost:{port}'), psutil.Process(pid)
  client.get_variables(_NAMES)  # The first one makes the connection.
  before = process.cpu_times()
  for _ in range(fetches):
    client.get_variables(_NAMES)
  after = process.cpu_times()
  return 1e3 * (after.user - before.user + after.system - before.system) / fetches


def _bytes_per_row(task: str) -> float:
  """Returns what an actor sends for each of its rows, but for headers of TCP."""
  with processes.start(serving.serve, task, threads=1) as server:
    meter = _Meter(server.receive())
    client = reverb.Client(f'localhost:{meter.port}')
    writer = serving.RandomWriter(task, client)
    marks = []
    for _ in range(2):
      writer.write(_ROWS)
      time.sleep(1.0)  # What it holds back is on its way by then.
      marks.append((client.server_info()[TABLE].current_size, meter.sent))
  (rows, sent), (more_rows, more_sent) = marks
  return (more_sent - sent) / (more_rows - rows)


class _Meter:
  """Passes connections on to a server of this machine, and counts what it is sent.

  Attributes:
    port: where it listens.
    sent: bytes so far.
  """

  def __init__(self, port: int):
    self._target = port
    self.sent = 0
    self._listener = socket.create_server(('127.0.0.1', 0))
    self.port = self._listener.getsockname()[1]
    threading.Thread(target=self._accept, daemon=True).start()

  def _accept(self) -> None:
    while True:
      client, _ = self._listener.accept()
      server = socket.create_connection(('127.0.0.1', self._target))
      for pair in ((client, server, True), (server, client, False)):
        threading.Thread(target=self._pass, args=pair, daemon=True).start()

  def _pass(
    self, source: socket.socket, target: socket.socket, is_counted: bool
  ) -> None:
    while data := source.recv(65536):
      self.sent += is_counted * len(data)
      target.sendall(data)
