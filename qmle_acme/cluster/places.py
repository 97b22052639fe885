"""Where each node of a run is to be found: names and ports, from the settings alone.

Every machine computes the same places, so that none has to be told but its own.
"""

import dataclasses

from qmle_acme.errors import UserError, unknown
from qmle_acme.runs.config import RunConfig

# Holds the run folder: its lock, its status, and the progress that a person sees.
MAIN = 'main'
# The nodes that others call, each at a port of its own.
PORTS = {'counter': 7101, 'replay': 7102, 'learner': 7103, 'publisher': 7104}


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


def called(config: RunConfig) -> list[str]:
  """Returns the roles of a run that others call."""
  return [role for role in PORTS if role != 'publisher' or config.has_publisher]


def singles(config: RunConfig) -> list[str]:
  """Returns the roles of a run of which there is one node."""
  return [MAIN, *called(config), 'evaluator']


def make_places(config: RunConfig) -> list[Place]:
  """Returns all nodes of a run: one of each role, and the actors."""
  actors = [Place('actor', index) for index in range(config.actors)]
  return [*map(Place, singles(config)), *actors]


def parse_hosts(words: tuple[str, ...]) -> dict[str, str]:
  """Returns the hosts that words such as 'learner=10.0.0.3' give to roles.

  A role without a word has its own name for a host, as Compose has it.

  Raises:
    UserError: a word is of another form, or names no role that is called.
  """
  hosts = {role: role for role in PORTS}
  for word in words:
    role, separator, host = word.partition('=')
    if not separator or not host:
      raise UserError(f'{word!r} names no host: write learner=10.0.0.3')
    if role not in hosts:
      raise unknown('role with a port', role, hosts)
    hosts[role] = host
  return hosts
