"""How the parts of DPG are made: those of QMLE, but for the learner."""

import dataclasses

import acme

from qmle_acme.actions import Box
from qmle_acme.agents.qmle import QMLEBuilder, QMLEConfig
from qmle_acme.agents.qmle.predictors import DeltaConfig
from qmle_acme.errors import UserError
from qmle_acme.experiments.dpg.learning import DPGLearner


class DPGBuilder(QMLEBuilder):
  """Makes the parts of DPG for one environment.

  The policy is the head of a delta predictor. It is the one candidate of every arg max,
  so that both agents share networks, replay, exploration and the actor.
  """

  learner_class = DPGLearner

  def __init__(self, config: QMLEConfig, spec: acme.specs.EnvironmentSpec):
    """Initialises.

    Args:
      config: settings; those that say how candidates are proposed are of no account.
      spec: of the environment; observations are one float32 vector [O].

    Raises:
      UserError: the actions are no box; Q has no gradient by others.
    """
    policy = dataclasses.replace(
      config,
      uniform_ratio=0.0,
      predictors=(DeltaConfig(1.0),),
      m_target=1,
      m_greedy=1,
      mle_target='improved',
      use_cache=False,
      critics=1,
    )
    super().__init__(policy, spec)
    if not isinstance(self.space, Box):
      raise UserError(
        'dpg needs one box of continuous actions: use qmle for this environment'
      )
