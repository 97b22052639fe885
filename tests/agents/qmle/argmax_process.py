"""An arg max node as a process of its own, without a run around it."""

import dataclasses
import functools
import subprocess
import sys
from typing import Any

import courier
import portpicker
import tiny_agent

from qmle_acme.agents.qmle import QMLEConfig
from qmle_acme.agents.qmle.argmax_nodes import ArgmaxServer

# By name. The last has the sizes of a real agent.
CONFIGS: dict[str, QMLEConfig] = {
  'tiny': tiny_agent.CONFIG,
  'two critics': dataclasses.replace(tiny_agent.CONFIG, critics=2),
  'no cache': dataclasses.replace(tiny_agent.CONFIG, use_cache=False),
  'cached target': dataclasses.replace(tiny_agent.CONFIG, mle_target='cached'),
  'normalised': dataclasses.replace(
    tiny_agent.CONFIG, normalize_observations=True, second_round=0.4
  ),
  'large': dataclasses.replace(
    tiny_agent.CONFIG, m_target=100, hidden_size=128, batch_size=256, replay_size=9_000
  ),
}


class NodeProcess:
  """The process, which serves all settings, each at a port that stays its own.

  Attributes:
    clients: of the settings, by their names.
  """

  def __init__(self) -> None:
    self._ports = {name: portpicker.pick_unused_port() for name in CONFIGS}
    self.clients = {
      name: courier.Client(f'localhost:{port}') for name, port in self._ports.items()
    }
    self.start()

  def start(self) -> None:
    """Starts the process, which takes some seconds to be up."""
    ports = map(str, self._ports.values())
    self._process = subprocess.Popen([sys.executable, __file__, *ports])

  def send(self, number: int) -> None:
    """Sends a signal to it."""
    self._process.send_signal(number)

  def kill(self) -> None:
    """Ends it at once."""
    self._process.kill()
    self._process.wait()


class _LazyNode:
  """A node whose networks are made when they are asked for: they take seconds."""

  def __init__(self, config: QMLEConfig):
    self._config = config

  @functools.cached_property
  def _node(self) -> ArgmaxServer:
    config = self._config
    # Their weights are others than the learner's until that has sent its own.
    network = tiny_agent.make_critic(config, 99).network
    size = tiny_agent.OBSERVATION_SIZE
    server = ArgmaxServer(network, size, config.m_target)
    server.trace(config.batch_size, size + config.use_cache * tiny_agent.SPACE.size)
    return server

  def ready(self) -> bool:
    return self._node.ready()

  def argmax(self, *arguments: Any) -> Any:
    return self._node.argmax(*arguments)


def main(*ports: str) -> None:
  """Serves until the process is killed."""
  servers = []
  for config, port in zip(CONFIGS.values(), ports, strict=True):
    node = _LazyNode(config)
    server = courier.Server('argmax', port=int(port), thread_pool_size=1)
    server.Bind('ready', node.ready)
    server.Bind('argmax', node.argmax)
    server.Start()
    servers.append(server)
  servers[0].Join()


if __name__ == '__main__':
  main(*sys.argv[1:])
