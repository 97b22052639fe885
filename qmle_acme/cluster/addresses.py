"""The addresses of a program whose nodes lie on several machines."""

import dataclasses
from collections.abc import Mapping

import launchpad as lp

from qmle_acme.cluster.places import Place


@dataclasses.dataclass(frozen=True)
class _FixedAddress(lp.AbstractAddressBuilder):
  """An address that is known beforehand."""

  address: str

  def build(self) -> str:
    return self.address


def bind(program: lp.Program, hosts: Mapping[str, str]) -> None:
  """Gives the nodes of a program the addresses of their places.

  Names are resolved when a connection is made, and again when it is lost: a node that
  comes back with another address is found.

  Args:
    program: whose nodes may have been bound to this machine.
    hosts: by service.
  """
  for label, nodes in program.groups.items():
    for index, node in enumerate(nodes):
      place = Place(label, index)
      for address in node.addresses:
        address.bind(_FixedAddress(f'{hosts[place.service]}:{place.port}'))
