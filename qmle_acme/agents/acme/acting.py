"""Acme's actor, in the environment's own action space. O observation."""

import acme.adders
import sonnet as snt
from acme.agents.tf.actors import FeedForwardActor
from acme.tf import variable_utils

from qmle_acme.actions import Box
from qmle_acme.agents.builder import Actor
from qmle_acme.types import Array


class BoxActor(FeedForwardActor, Actor):
  """Acts by a policy whose actions are meant for [-1, 1] in every dimension.

  Those that lie outside, as samples of a Gaussian do, are clipped: dm_control clips
  them too, and the critics of both agents see clipped actions only.
  """

  def __init__(
    self,
    policy: snt.Module,
    space: Box,
    variable_client: variable_utils.VariableClient,
    adder: acme.adders.Adder | None,
    network: snt.Module,
  ):
    """Initialises.

    Args:
      policy: from observations [1, O] to actions [1, A].
      space: of the environment.
      variable_client: of the learner.
      adder: where transitions go, if anywhere.
      network: the part of the policy that is learned.
    """
    super().__init__(policy, adder, variable_client)
    self._space = space
    self.parts = {'network': network}

  def select_action(self, observation: Array) -> Array:
    """Returns the environment's form of the policy's action for observation [O]."""
    return self._space.to_environment(super().select_action(observation))
