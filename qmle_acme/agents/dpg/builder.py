"""How the parts of DPG are made: those of QMLE, but for the learner."""

import dataclasses
from collections.abc import Iterator

import acme

from qmle_acme import replay
from qmle_acme.actions.box import Box
from qmle_acme.agents.builder import MetricsWriter
from qmle_acme.agents.dpg import learning
from qmle_acme.agents.qmle import QMLEBuilder, QMLEConfig
from qmle_acme.argmax import ArgmaxCache
from qmle_acme.errors import UserError
from qmle_acme.predictors import PredictorConfig
from qmle_acme.types import Sample


class DPGBuilder(QMLEBuilder):
  """Makes the parts of DPG for one environment.

  The policy is the head of a delta predictor. It is the one candidate of every arg max,
  so that both agents share networks, replay, exploration and the actor.
  """

  def __init__(self, config: QMLEConfig, spec: acme.specs.EnvironmentSpec):
    """Initialises.

    Args:
      config: settings; those that say how candidates are proposed are of no account.
      spec: of the environment; observations are one float32 vector [O].

    Raises:
      UserError: the actions are no box, so that Q has no gradient by them.
    """
    policy = dataclasses.replace(
      config,
      uniform_ratio=0.0,
      predictors=(PredictorConfig('delta', 1.0),),
      m_target=1,
      m_greedy=1,
    )
    super().__init__(policy, spec)
    if not isinstance(self._space, Box):
      raise UserError('dpg needs continuous actions: use qmle for this environment')

  def make_learner(
    self,
    samples: Iterator[Sample],
    address: str,
    seed: int,
    write_metrics: MetricsWriter,
  ) -> learning.DPGLearner:
    """See base class."""
    return learning.DPGLearner(
      network=self._make_network(seed),
      target_network=self._make_network(seed),
      cache=ArgmaxCache(self._config.replay_size, self._space.size),
      samples=samples,
      update_priorities=replay.PriorityUpdater(address),
      config=self._config,
      seed=seed,
      write_metrics=write_metrics,
    )
