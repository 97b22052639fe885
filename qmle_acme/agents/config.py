"""The settings that every agent has, with their checks.

Those of an agent are a dataclass that derives from this one. It names the agent, and
the builder that `agents.builder` describes.
"""

import dataclasses
from typing import Any, ClassVar

from qmle_acme import actions, settings
from qmle_acme.errors import UserError, out_of_range
from qmle_acme.settings import Count, Positive, Share


@dataclasses.dataclass(frozen=True)
class AgentConfig:
  """Settings of an agent; one that needs another default has the field once more."""

  AGENT: ClassVar[str]
  """Name of the agent, as `--agent` takes it."""
  BUILDER: ClassVar[str]
  """Class of its builder, '<module>:<class>', which is imported when it is made."""
  ONLY_BOX: ClassVar[bool] = False
  """Whether it acts only where the action is one box of real numbers."""
  SHARES_TENSORFLOW: ClassVar[bool] = True
  """Whether the learner's threads share TensorFlow's operations; if not, these have one
  thread, and the agent's own code has them all."""

  discount: Share = 0.99
  """Discount factor of the return."""
  n_step: Count = 1
  """Environment steps that one transition spans."""
  batch_size: Count = 256
  """Transitions in a learner step."""
  samples_per_insert: Positive = 32.0
  """Samples drawn from replay for each transition inserted."""
  replay_size: Count = 1_000_000
  """Transitions that replay holds."""
  min_replay_size: Count = 1_000
  """Transitions in replay before learning starts."""
  variable_update_period: Count = 5
  """Actor steps between fetches of the learner's variables."""

  def __post_init__(self) -> None:
    """Checks every field.

    Raises:
      UserError: a value lies outside its range; the message names it.
    """
    settings.check(self, f'{self.AGENT}.')
    self._check(
      self.replay_size >= max(self.batch_size, self.min_replay_size),
      'replay_size',
      self.replay_size,
      f'at least batch_size ({self.batch_size}) and min_replay_size '
      f'({self.min_replay_size})',
    )

  def check_actions(self, spec: Any) -> None:
    """Raises UserError if the agent cannot act by an action spec."""
    actions.check(spec)
    if self.ONLY_BOX and not actions.is_box(spec):
      raise UserError(
        f'{self.AGENT} needs one box of continuous actions, and the action spec of '
        'this environment is not one: use --agent qmle, or --env relaxed:NAME with the '
        'name of this environment'
      )

  def _check(self, holds: bool, name: str, value: object, requirement: str) -> None:
    """Raises UserError when a setting does not hold."""
    if not holds:
      raise out_of_range(f'{self.AGENT}.{name}', value, requirement)
