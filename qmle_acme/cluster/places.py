"""Where each node of a run is to be found: names and ports, from the settings alone.

Every machine computes the same places, so that none has to be told but its own.
"""

import dataclasses

from qmle_acme.errors import UserError, unknown
from qmle_acme.runs.config import RunConfig

# Holds the run folder: its lock, its status, and the progress that a person sees.
MAIN = 'main'
ACTOR, ARGMAX = 'actor', 'argmax'
# The nodes that others call, each at a port of its own: of several the first one's.
_PORTS = {
  'counter': 7101,
  'replay': 7102,
  'learner': 7103,
  'publisher': 7104,
  ARGMAX: 7105,
}


@dataclasses.dataclass(frozen=True)
class Place:
  """A node of a run.

  Attributes:
    role: what it does; but for 'main' the label of its group in the program.
    index: its number in that group.
  """

  role: str
  index: int = 0

  @property
  def name(self) -> str:
    """Its name, and that of its log: 'main', 'learner-0', 'actor-3'."""
    return self.role if self.role == MAIN else f'{self.role}-{self.index}'

  @property
  def title(self) -> str:
    """Its name for people, as a run on one machine has it: 'actor/3'."""
    return self.role if self.role == MAIN else f'{self.role}/{self.index}'

  @property
  def service(self) -> str:
    """What the others call it by: 'learner', 'argmax-1'."""
    return self.name if self.role in (ACTOR, ARGMAX) else self.role

  @property
  def port(self) -> int | None:
    """At which it is called; None if it is not.

    Those of one role differ: several may share a host.
    """
    port = _PORTS.get(self.role)
    return None if port is None else port + self.index


def called(config: RunConfig) -> list[Place]:
  """Returns the nodes of a run that others call."""
  counts = {'publisher': int(config.has_publisher), ARGMAX: config.argmax_nodes}
  return [Place(role, index) for role in _PORTS for index in range(counts.get(role, 1))]


def make_places(config: RunConfig) -> list[Place]:
  """Returns all nodes of a run, the actors last."""
  actors = [Place(ACTOR, index) for index in range(config.actors)]
  return [Place(MAIN), *called(config), Place('evaluator'), *actors]


def parse_hosts(words: tuple[str, ...], config: RunConfig) -> dict[str, str]:
  """Returns the hosts that words such as 'learner=10.0.0.3' give to services.

  A service without a word has its own name for a host, as Compose has it.

  Args:
    words: that were typed.
    config: settings of the run.

  Raises:
    UserError: a word is of another form, or names no service of the run.
  """
  hosts = {place.service: place.service for place in called(config)}
  for word in words:
    service, separator, host = word.partition('=')
    if not separator or not host:
      raise UserError(f'{word!r} names no host: write learner=10.0.0.3')
    if service not in hosts:
      raise unknown('node with a port', service, hosts)
    hosts[service] = host
  return hosts
