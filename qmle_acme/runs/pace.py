"""When a learner step is due, where one process takes all steps in turn.

In the distributed layout it is the rate limiter of replay that knows.
"""

import reverb

from qmle_acme.agents import AgentBuilder, TFLearner
from qmle_acme.replay import TABLE


class Pace:
  """Keeps samples per insert, from the first `min_replay_size` transitions on."""

  def __init__(
    self,
    builder: AgentBuilder,
    learner: TFLearner,
    replay: reverb.Client,
    actor_steps: float = 0,
  ):
    """Initialises.

    A run that resumes without its replay fills it first. The learner steps that this
    costs are not made up, nor others that it lacks: they would all be taken at once, on
    the few transitions there are.

    Args:
      builder: of the agent.
      learner: of it, resumed.
      replay: a client of its server.
      actor_steps: that the run goes on from.
    """
    self._learner = learner
    self._replay = replay
    self._builder = builder
    self._has_rows = False
    lacking = max(0, builder.min_replay_size - self._size())
    self._missed = max(0, self._steps_after(actor_steps + lacking) - learner.steps)

  def is_due(self, actor_steps: float) -> bool:
    """Returns whether a learner step is due after so many actor steps of the run."""
    if self._learner.steps + self._missed >= self._steps_after(actor_steps):
      return False
    # Nothing can be drawn before the first chunk is full.
    self._has_rows = self._has_rows or self._size() > 0
    return self._has_rows

  def _steps_after(self, actor_steps: float) -> int:
    inserts = actor_steps - self._builder.min_replay_size
    return int(inserts * self._builder.samples_per_insert / self._builder.batch_size)

  def _size(self) -> int:
    return self._replay.server_info()[TABLE].current_size
