"""A recommender of many items to users whose interests drift.

'recommender:10000' has 10,000 items. It follows RecSim's interest evolution (Ie et al.,
arXiv 1909.04847) in the form of SAVO (arXiv 2410.11833): an item has F = 30 features,
around the centre of one of 30 categories, and a user has an interest in each feature.
One item is recommended a step. With d = interests . features, the user clicks with
probability s / (s + 2), s = softplus(d) or, where d < 0, softplus(d - 1.5). A click is
a reward of 1. It takes up to 4 of the user's time, of which the quality of the item, -3
to 3 by its category, times how much this user cares for quality, gives back or takes
more. Then the interests move to the item, or, with probability 1 - sigmoid(d), away
from it, the strongest ones most. Without a click half a unit of time is lost. An
episode ends when the time is spent, 20 at the start, and is cut off after 20 steps.

So what is clicked now is not all: good items keep the user, and change what comes next.

N items, F features of each.
"""

import functools
import re

import dm_env
import numpy as np
from dm_env import specs

from qmle_acme.actions import ItemArray
from qmle_acme.errors import UserError

_NAME = re.compile(r'\d+')
_MOST_ITEMS = 5_000_000
_CATALOGUE_SEED = 123
_FEATURES = 30  # Of items, and as many categories.
_SPREAD = 0.35
_GOOD_CATEGORIES = 9
_BEST_QUALITY, _QUALITY_SPREAD = 3.0, 0.1
_TIME = 20.0
_ITEM_TIME, _SKIP_TIME = 4.0, 0.5
_SKIP_MASS = 2.0
_STEPS = 20


@functools.lru_cache(maxsize=1)  # Every evaluation makes the environment anew.
def _catalogue(items: int) -> tuple[ItemArray, np.ndarray]:
  """Returns the items [N, F] and their qualities [N], the same for every seed."""
  random = np.random.default_rng(_CATALOGUE_SEED)
  categories = random.integers(0, _FEATURES, items)
  features = _draw(categories, random)
  bad = np.linspace(-_BEST_QUALITY, 0.0, _FEATURES - _GOOD_CATEGORIES)
  means = np.concatenate([bad, np.linspace(0.0, _BEST_QUALITY, _GOOD_CATEGORIES)])
  qualities = means[categories] + random.normal(0.0, _QUALITY_SPREAD, items)
  return ItemArray(features, name='item'), qualities


def _draw(categories: np.ndarray, random: np.random.Generator) -> np.ndarray:
  """Returns vectors [n, F] around the centres of categories [n], within [-1, 1].

  The centre of a category is 1 in a feature of its own, or -1 for half of them.
  """
  noise = random.standard_normal((len(categories), _FEATURES), np.float32)
  vectors = np.float32(_SPREAD) * noise
  signs = np.where(categories < _FEATURES // 2, 1.0, -1.0)
  vectors[np.arange(len(categories)), categories] += signs.astype(np.float32)
  return np.clip(vectors, -1.0, 1.0)


class Recommender(dm_env.Environment):
  """An action is the index of an item; the spec has the features of all."""

  def __init__(self, items: int, seed: int):
    """Makes the catalogue; the seed draws users and what they do."""
    self._spec, self._qualities = _catalogue(items)
    self._random = np.random.default_rng(seed)
    # Which user comes does not depend on what others did.
    self._users = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(2,)))
    self._interests = np.zeros(_FEATURES, np.float32)
    self._care = 0.0
    self._time = 0.0
    self._steps_left = 0

  def reset(self) -> dm_env.TimeStep:
    """Starts an episode with another user."""
    category = self._users.integers(0, _FEATURES, 1)
    self._interests = _draw(category, self._users)[0]
    self._care = float(self._users.uniform())
    self._time = _TIME
    self._steps_left = _STEPS
    return dm_env.restart(self._observe())

  def step(self, action: int) -> dm_env.TimeStep:
    """Recommends an item; starts an episode if the last one is over."""
    if not self._steps_left:
      return self.reset()
    self._steps_left -= 1
    item = int(action)
    is_clicked = self._random.uniform() < self.click_probability(item)
    if is_clicked:
      self._consume(item)
    else:
      self._time -= _SKIP_TIME
    reward, observation = np.float32(is_clicked), self._observe()
    if self._time <= 0.0:
      self._steps_left = 0
      last = dm_env.termination(reward, observation)
      return last._replace(discount=np.float32(0.0))
    if not self._steps_left:
      return dm_env.truncation(reward, observation, np.float32(1.0))
    return dm_env.transition(reward, observation, np.float32(1.0))

  def click_probability(self, item: int) -> float:
    """Returns how likely the user clicks an item now."""
    match = self._match(item)
    score = float(np.logaddexp(0.0, match if match >= 0.0 else match - 1.5))
    return score / (score + _SKIP_MASS)

  def observation_spec(self) -> specs.Array:
    """Interests, the share of time that is left, how much quality counts: [F + 2]."""
    return specs.Array((_FEATURES + 2,), np.float32, 'observation')

  def action_spec(self) -> ItemArray:
    """An index, and the features [N, F] of the items."""
    return self._spec

  def reward_spec(self) -> specs.BoundedArray:
    """0 or 1."""
    return specs.BoundedArray((), np.float32, 0.0, 1.0, 'reward')

  def discount_spec(self) -> specs.BoundedArray:
    """0 where the time is spent, or else 1."""
    return specs.BoundedArray((), np.float32, 0.0, 1.0, 'discount')

  def _match(self, item: int) -> float:
    return float(self._interests @ self._spec.features[item])

  def _consume(self, item: int) -> None:
    """Spends time on an item, and changes the interests."""
    strength = np.abs(self._interests)
    low, high = strength.min(), strength.max()
    pace = (strength - low) / (high - low) if low < high else np.zeros(_FEATURES)
    change = pace * (self._spec.features[item] - self._interests)
    is_liked = self._random.uniform() < 1.0 / (1.0 + np.exp(-self._match(item)))
    moved = self._interests + (change if is_liked else -change)
    self._interests = np.clip(moved, -1.0, 1.0).astype(np.float32)
    spent = min(self._time, _ITEM_TIME)
    self._time += spent * (self._care * float(self._qualities[item]) - 1.0)

  def _observe(self) -> np.ndarray:
    rest = np.array([self._time / _TIME, self._care], np.float32)
    return np.concatenate([self._interests, rest])


def names() -> tuple[str, ...]:
  """Returns examples of names, which are numbers of items."""
  return ('10000', '1000000')


def knows(name: str) -> bool:
  """Returns whether a name is a number."""
  return _NAME.fullmatch(name) is not None


def make(name: str, seed: int) -> Recommender:
  """Returns the recommender with so many items.

  Raises:
    UserError: they are too few or too many.
  """
  items = int(name)
  if not 2 <= items <= _MOST_ITEMS:
    raise UserError(f'recommender:{name}: items must be from 2 to {_MOST_ITEMS:,}')
  return Recommender(items, seed)
