"""What an action space is: how to sample it, encode it and convert its actions."""

from typing import TYPE_CHECKING

from qmle_acme import lazy

if TYPE_CHECKING:
  from qmle_acme.actions.base import ActionSpace
  from qmle_acme.actions.box import Box
  from qmle_acme.actions.discrete import Discrete
  from qmle_acme.actions.hybrid import Hybrid
  from qmle_acme.actions.item_array import ItemArray
  from qmle_acme.actions.items import Items
  from qmle_acme.actions.noop_array import NoopArray
  from qmle_acme.actions.specs import make
  from qmle_acme.actions.support import check, is_box

__all__ = [
  'ActionSpace',
  'Box',
  'Discrete',
  'Hybrid',
  'ItemArray',
  'Items',
  'NoopArray',
  'check',
  'is_box',
  'make',
]

# Environments are named, and refused, without TensorFlow.
__getattr__, __dir__ = lazy.names(
  __name__,
  {
    'ActionSpace': 'base',
    'Box': 'box',
    'Discrete': 'discrete',
    'Hybrid': 'hybrid',
    'ItemArray': 'item_array',
    'Items': 'items',
    'NoopArray': 'noop_array',
    'check': 'support',
    'is_box': 'support',
    'make': 'specs',
  },
)
