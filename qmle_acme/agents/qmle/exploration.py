"""How actors explore: how often each of them, for how long, and with which actions."""

import dataclasses

import numpy as np

# Share of the steps of a wide episode that explore.
WIDE_EPSILON = 0.5


def ladder(epsilon: float, exponent: float, index: int, actors: int) -> float:
  """Returns epsilon^(1 + exponent i / (N - 1)) of actor i among N; epsilon if alone.

  Ape-X (Horgan et al., arXiv 1803.00933, section 4.1) has an exponent of 7.

  Args:
    epsilon: of the first actor.
    exponent: 0 gives all actors the same.
    index: i, from 0.
    actors: N.
  """
  rung = index / (actors - 1) if actors > 1 else 0.0
  return epsilon ** (1.0 + exponent * rung)


@dataclasses.dataclass(frozen=True)
class Exploration:
  """What an actor does in an episode instead of the best action that it finds.

  Attributes:
    epsilon: share of its steps that explore.
    steps: for how many of them an action lasts, unless the episode ends.
    from_predictors: share of these actions that predictors draw; others are uniform.
    wide_episodes: share of the episodes that explore widely, not like this, of those
      that follow one without reward; from uniform actions, since where no reward came
      predictors have learned of none.
    wide_steps: `steps` of those.
  """

  epsilon: float
  steps: int = 1
  from_predictors: float = 0.0
  wide_episodes: float = 0.0
  wide_steps: int = 1

  def of_episode(
    self, random: np.random.Generator, follows_reward: bool
  ) -> 'Exploration':
    """Returns how an episode explores: like this, or widely.

    Args:
      random: draws which of them.
      follows_reward: whether the episode before it had any.
    """
    may_be_wide = self.wide_episodes > 0.0 and not follows_reward
    if may_be_wide and random.random() < self.wide_episodes:
      return Exploration(WIDE_EPSILON, self.wide_steps)
    return self

  @property
  def start(self) -> float:
    """Probability p that exploring begins at a step that does not explore yet.

    A cycle has 1 / p - 1 greedy steps in the mean, and then k that explore: these are a
    share epsilon of it where p = epsilon / (k - epsilon (k - 1)).
    """
    return self.epsilon / (self.steps - self.epsilon * (self.steps - 1))

  def under_way(self, random: np.random.Generator) -> int:
    """Returns how many steps that explore are left when an episode begins.

    It begins anywhere in a cycle. So short episodes explore as much as long ones.
    """
    is_under_way = self.steps > 1 and random.random() < self.epsilon
    return int(random.integers(self.steps)) if is_under_way else 0
