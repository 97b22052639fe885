"""Every setting of QMLE, with its default, its unit and its checks."""

import dataclasses
import math
from typing import Annotated, ClassVar, Literal, TypeAlias

import numpy as np
from pydantic import Field

from qmle_acme.agents import AgentConfig
from qmle_acme.agents.qmle.predictors import (
  CategoricalConfig,
  DeltaConfig,
  PredictorConfig,
)
from qmle_acme.settings import Count, Positive, Share

_Candidates: TypeAlias = Annotated[int, Field(ge=1, le=1_000_000)]
_Rate: TypeAlias = Annotated[float, Field(ge=1e-6, le=1.0)]
_Bins: TypeAlias = Annotated[int, Field(ge=2, le=1_000)]
_Steps: TypeAlias = Annotated[int, Field(ge=0, le=1_000_000_000)]
_Directions: TypeAlias = Annotated[int, Field(ge=0, le=1_000)]
# Widths that the compiled arg max takes.
_Width: TypeAlias = Annotated[int, Field(ge=16, le=8_192, multiple_of=16)]


@dataclasses.dataclass(frozen=True)
class QMLEConfig(AgentConfig):
  """Settings of the QMLE agent.

  The defaults are those of arXiv 2410.06317, but that rewards are scaled, and that of
  several actors each has an epsilon of its own.
  """

  AGENT: ClassVar[str] = 'qmle'
  BUILDER: ClassVar[str] = 'qmle_acme.agents.qmle:QMLEBuilder'
  # The products of a gradient step are too small to be shared; the arg max is not.
  SHARES_TENSORFLOW: ClassVar[bool] = False

  samples_per_insert: Positive = 25.6
  """Samples drawn from replay for each transition inserted."""
  replay_size: Count = 1_000_000
  """Transitions that replay and the arg max cache hold."""
  learning_rate: Positive = 5e-4
  """Step size of Adam."""
  learning_rate_half_life: _Steps = 0
  """Learner steps in which the step size halves; 0 keeps it as it is."""
  target_update_period: Count = 20
  """Learner steps between updates of the target network."""
  target_update_rate: _Rate = 1.0
  """Share of the way to the online network that the target network then takes; 1 is a
  hard copy, less is Polyak averaging."""
  policy_average_rate: _Rate = 1.0
  """Share of the way to the online network that an average of it takes whenever the
  target network is updated. By this average the greedy policy acts; actors explore by
  the online network. 1 keeps no average: all act by that."""
  weight_decay: Share = 0.0
  """Decoupled weight decay: a step takes learning_rate times this off the weights."""
  action_gap: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
  """Advantage learning: this share of what an action is worth less than the best one is
  taken off its target, so that the gap between them grows to 1 / (1 - this) times its
  size. For tasks where a single step decides little; 0 is the paper's learner."""
  critics: Annotated[int, Field(ge=1, le=2)] = 1
  """Of two critics the first selects the best action, and the lower of both values
  counts; both learn from every batch (arXiv 1802.09477)."""
  bound_values: bool = False
  """Whether targets are cut off at what the rewards seen so far can bring."""
  priority_exponent: Share = 0.6
  """Transitions are sampled in proportion to priority to this power; 0 is uniform."""
  importance_exponent: Share = 0.2
  """Power of the importance weights; 0 corrects nothing, 1 everything."""
  scale_rewards: bool = True
  """Whether rewards are divided by their largest magnitude so far."""
  epsilon: Share = 0.1
  """Share of an actor's steps that take a random action; of the first of several."""
  epsilon_exponent: Annotated[float, Field(ge=0.0, le=100.0)] = 1.0
  """The last of several actors explores with epsilon to the power of 1 + this; those
  between lie on a ladder, and 0 gives all the same (Ape-X, arXiv 1803.00933, has 7)."""
  exploration_steps: Count = 1
  """Steps that a random action lasts."""
  wide_episodes: Share = 0.0
  """Share of the episodes that explore widely, of those that follow one without any
  reward: half of their steps take uniform actions, whatever epsilon is, and these last
  longer."""
  wide_steps: Count = 8
  """Steps that a random action lasts in such an episode."""
  exploration_from_predictors: Share = 0.0
  """Share of the random actions that predictors draw; the others are uniform, and all
  in episodes that explore widely."""
  m_target: _Candidates = 100
  """Candidates in the arg max of the Bellman target, besides the cached one."""
  m_greedy: _Candidates = 1_000
  """Candidates in the arg max when acting."""
  uniform_ratio: Share = 0.9
  """Share of the candidates that uniform sampling proposes; where the environment tells
  an action that does nothing, half of them are near that."""
  predictors: tuple[PredictorConfig, ...] = (
    DeltaConfig(0.01),
    CategoricalConfig(0.09),
  )
  """The arg max predictors and their shares; with the uniform share they sum to 1."""
  second_round: Share = 0.0
  """Share of the candidates that is kept for a second round, around the best few of the
  first one; 0 is no second round."""
  mle_target: Literal['improved', 'cached'] = 'improved'
  """What predictors are fitted to: this step's best action, or that before the step."""
  use_cache: bool = True
  """Whether the best known actions are kept and are candidates of the target."""
  bins: _Bins = 3
  """Grid points per continuous action dimension, ends included."""
  hidden_size: _Width = 128
  """Width of the embeddings, a multiple of 16."""
  argmax: Literal['compiled', 'plain'] = 'compiled'
  """How candidates are compared: by the kernel, which estimates all of them in 8-bit
  integers and evaluates the best few, or all of them by the layers that learn."""
  fourier_directions: _Directions = 0
  """Random directions at each of four scales, whose waves the Q-network sees beside
  continuous actions: for a Q that is jagged in the action; 0 is none."""
  normalize_observations: bool = False
  """Whether the networks see observations less their running mean, over their running
  standard deviation, both of the batches that the learner has drawn."""

  def __post_init__(self) -> None:
    super().__post_init__()
    can_draw = not self.exploration_from_predictors or sum(self.ratios[1:]) > 0
    self._check(
      can_draw,
      'exploration_from_predictors',
      self.exploration_from_predictors,
      '0 without predictors, which have to draw them',
    )
    can_bound = bool(np.float32(self.discount) < 1) or not self.bound_values
    self._check(can_bound, 'discount', self.discount, 'less than 1 with bound_values')
    has_mle_target = self.use_cache or self.mle_target != 'cached'
    self._check(has_mle_target, 'use_cache', False, "true where mle_target is 'cached'")
    # The row then belongs to the state n steps later, and would be fitted to a mixture.
    is_of_state = self.mle_target != 'cached' or self.n_step == 1
    self._check(is_of_state, 'n_step', self.n_step, "1 where mle_target is 'cached'")
    self._check_proposal()

  @property
  def has_average(self) -> bool:
    """Whether the greedy policy acts by an average of its own."""
    return self.policy_average_rate < 1.0

  @property
  def ratios(self) -> tuple[float, ...]:
    """The share of uniform sampling, then those of the predictors."""
    return (self.uniform_ratio, *(member.ratio for member in self.predictors))

  def _check_proposal(self) -> None:
    """Checks that the members can be told apart and that the shares are shares."""
    names = [member.name for member in self.predictors]
    distinct = 'distinct: give those of one family a name each'
    self._check(len(set(names)) == len(names), 'predictors', names, distinct)
    total = sum(self.ratios)
    self._check(
      math.isclose(total, 1.0),
      'uniform_ratio and predictors',
      self.ratios,
      f'shares with sum 1, not {total:.6g}',
    )
