"""How the parts of the action-out agent are made: as QMLE's, but for the network."""

import dataclasses
import math

import acme

from qmle_acme.actions import Box
from qmle_acme.agents.qmle import QMLEBuilder, QMLEConfig
from qmle_acme.errors import UserError
from qmle_acme.experiments.action_out.networks import ActionOutNetwork

MAX_ACTIONS = 10_000


class ActionOutBuilder(QMLEBuilder):
  """Makes the parts of Q-learning with an output for each action.

  The arg max is exact, so that there is nothing to sample, to predict or to cache.
  """

  network_class = ActionOutNetwork

  def __init__(self, config: QMLEConfig, spec: acme.specs.EnvironmentSpec):
    """Initialises.

    Args:
      config: settings; those that say how an arg max is found are of no account.
      spec: of the environment; observations are one float32 vector [O].

    Raises:
      UserError: the actions are continuous, or too many to list.
    """
    exact = dataclasses.replace(
      config,
      uniform_ratio=1.0,
      predictors=(),
      mle_target='improved',
      use_cache=False,
      critics=1,
    )
    super().__init__(exact, spec)
    if isinstance(self.space, Box):
      raise UserError(
        'action-out needs actions that can be listed, and these are continuous: '
        'put them on a grid, as in grid:3:control:cartpole:swingup, or use qmle'
      )
    if self.space.num_continuous:  # Of a nest, which no grid takes.
      raise UserError(
        'action-out needs actions that can be listed, and some of these are '
        'continuous: use qmle, which takes any'
      )
    # The network lists the combinations of digits first, which are less than four times
    # as many: those of one index are less than twice its values, and at most two of the
    # indices have several digits, since 65^3 actions are too many.
    count = math.prod(self.space.index_counts)
    if count > MAX_ACTIONS:
      raise UserError(
        f'action-out would need an output for each of {count:,} actions, and lists at '
        f'most {MAX_ACTIONS:,}: use qmle, which takes any number'
      )
