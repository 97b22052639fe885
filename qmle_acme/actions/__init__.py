"""What an action space is: how to sample it, encode it and convert its actions."""

from qmle_acme.actions.base import ActionSpace
from qmle_acme.actions.box import Box
from qmle_acme.actions.discrete import Discrete
from qmle_acme.actions.hybrid import Hybrid
from qmle_acme.actions.items import ItemArray, Items
from qmle_acme.actions.specs import make

__all__ = ['ActionSpace', 'Box', 'Discrete', 'Hybrid', 'ItemArray', 'Items', 'make']
