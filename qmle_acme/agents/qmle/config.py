"""Every setting of QMLE, with its default, its unit and its checks."""

import dataclasses
import math
from typing import Literal

from qmle_acme.agents.qmle.predictors import PredictorConfig
from qmle_acme.errors import check_positive, check_range, out_of_range
from qmle_acme.networks import WIDTH_MULTIPLE


@dataclasses.dataclass(frozen=True)
class QMLEConfig:
  """Settings of the QMLE agent; the defaults are those of arXiv 2410.06317."""

  discount: float = 0.99
  """Discount factor of the return."""
  n_step: int = 1
  """Environment steps that one transition spans."""
  batch_size: int = 256
  """Transitions in a learner step."""
  learning_rate: float = 5e-4
  """Step size of Adam."""
  target_update_period: int = 20
  """Learner steps between hard copies of the online to the target network."""
  samples_per_insert: float = 25.6
  """Samples drawn from replay for each transition inserted."""
  replay_size: int = 1_000_000
  """Transitions that replay and the arg max cache hold."""
  min_replay_size: int = 1_000
  """Transitions in replay before learning starts."""
  priority_exponent: float = 0.6
  """Transitions are sampled in proportion to priority to this power; 0 is uniform."""
  importance_exponent: float = 0.2
  """Power of the importance weights; 0 corrects nothing, 1 everything."""
  scale_rewards: bool = True
  """Whether rewards are divided by their largest magnitude so far."""
  epsilon: float = 0.1
  """Probability that an actor takes a uniformly random action."""
  m_target: int = 100
  """Candidates in the arg max of the Bellman target, besides the cached one."""
  m_greedy: int = 1_000
  """Candidates in the arg max when acting."""
  uniform_ratio: float = 0.9
  """Share of the candidates that uniform sampling proposes."""
  predictors: tuple[PredictorConfig, ...] = (
    PredictorConfig('delta', 0.01),
    PredictorConfig('categorical', 0.09),
  )
  """The arg max predictors and their shares; with the uniform share they sum to 1."""
  mle_target: Literal['improved', 'cached'] = 'improved'
  """What predictors are fitted to: this step's best action, or that before the step."""
  use_cache: bool = True
  """Whether the best known actions are kept and are candidates of the target."""
  bins: int = 3
  """Grid points per continuous action dimension, ends included."""
  hidden_size: int = 128
  """Width of the embeddings, a multiple of 16."""
  variable_update_period: int = 5
  """Actor steps between fetches of the learner's variables."""

  def __post_init__(self) -> None:
    """Checks every field.

    Raises:
      UserError: a value lies outside its range; the message names it.
    """
    for name in (
      'n_step',
      'batch_size',
      'target_update_period',
      'min_replay_size',
      'm_target',
      'm_greedy',
      'hidden_size',
      'variable_update_period',
    ):
      check_range(f'qmle.{name}', getattr(self, name), 1)
    for name in ('discount', 'priority_exponent', 'importance_exponent', 'epsilon'):
      check_range(f'qmle.{name}', getattr(self, name), 0.0, 1.0)
    for name in ('learning_rate', 'samples_per_insert'):
      check_positive(f'qmle.{name}', getattr(self, name))
    is_whole = self.hidden_size % WIDTH_MULTIPLE == 0
    multiple = f'a multiple of {WIDTH_MULTIPLE}'
    _check(is_whole, 'hidden_size', self.hidden_size, multiple)
    check_range('qmle.bins', self.bins, 2)
    _check(
      self.replay_size >= max(self.batch_size, self.min_replay_size),
      'replay_size',
      self.replay_size,
      'at least batch_size and min_replay_size',
    )
    has_mle_target = self.use_cache or self.mle_target != 'cached'
    _check(has_mle_target, 'use_cache', False, "true where mle_target is 'cached'")
    self._check_proposal()

  @property
  def ratios(self) -> tuple[float, ...]:
    """The share of uniform sampling, then those of the predictors."""
    return (self.uniform_ratio, *(member.ratio for member in self.predictors))

  def _check_proposal(self) -> None:
    """Checks that the members can be told apart and that the shares are shares."""
    names = [member.name for member in self.predictors]
    distinct = 'distinct: give those of one family a name each'
    _check(len(set(names)) == len(names), 'predictors', names, distinct)
    is_share = min(self.ratios) >= 0 and math.isclose(sum(self.ratios), 1.0)
    _check(is_share, 'uniform_ratio and predictors', self.ratios, '>= 0 with sum 1')


def _check(holds: bool, name: str, value: object, requirement: str) -> None:
  """Raises UserError when a setting does not hold."""
  if not holds:
    raise out_of_range(f'qmle.{name}', value, requirement)
