"""Little environments of any kind: each trains for a few steps, or is refused.

What refuses one is one line. Actions are drawn at random, and everything else is real:
the environment by its name, the agent's action space and adder, a replay server. Whole
runs, with a learner, are in `tests/runs/odd_runs_test.py`.
"""

import dataclasses
import itertools
import math
import sys
from typing import Any

import acme
import gymnasium
import numpy as np
import pytest
import replay_server
import reverb
from gymnasium import spaces
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from small_runs import QMLE

from qmle_acme import environments, replay
from qmle_acme.agents.qmle import QMLEBuilder
from qmle_acme.environments.checked import EnvironmentFault
from qmle_acme.errors import UserError
from qmle_acme.runs import memory

NAME = f'gymnasium:{__name__}:Random-v0'
STEPS = 12
FLOATS = (np.float16, np.float32, np.float64)
INTEGERS = (np.int8, np.uint8, np.int32, np.int64, np.bool_)


@dataclasses.dataclass(frozen=True)
class Recipe:
  """What an environment is made by.

  Attributes:
    observation: its space.
    action: its space.
    rewards: handed out in turn.
    habit: what is wrong with the observations, from the third step on.
    length: steps of an episode.
    is_cut_off: whether it ends by a limit.
    seed: of the observations.
  """

  observation: spaces.Space
  action: spaces.Space
  rewards: list[Any]
  habit: str
  length: int
  is_cut_off: bool
  seed: int


class Random(gymnasium.Env):
  """Made by the recipe that the test has set last."""

  recipe: Recipe

  def __init__(self) -> None:
    self.observation_space = self.recipe.observation
    self.action_space = self.recipe.action
    self.observation_space.seed(self.recipe.seed)
    self._rewards = itertools.cycle(self.recipe.rewards)
    self._steps, self._length = 0, 0

  def reset(self, **settings: Any) -> tuple[Any, dict[str, Any]]:
    super().reset(**settings)
    self._length = 0
    return self._observe(), {}

  def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
    assert self.action_space.contains(action), (self.action_space, action)
    self._steps += 1
    self._length += 1
    is_over = self._length >= self.recipe.length
    is_cut_off = self.recipe.is_cut_off
    reward = next(self._rewards)
    return (
      self._observe(),
      reward,
      is_over and not is_cut_off,
      is_over and is_cut_off,
      {},
    )

  def _observe(self) -> Any:
    good = self.observation_space.sample()
    if self.recipe.habit == 'good' or self._steps < 3:
      return good
    return {
      'none': None,
      'nan': np.full(np.shape(good), np.nan),
      'huge': np.full(np.shape(good), 1e39),
      'wrapped': [good],
      'text': 'observation',
    }[self.recipe.habit]


gymnasium.register('Random-v0', f'{__name__}:Random')


@st.composite
def boxes(draw: st.DrawFn, may_be_open: bool) -> spaces.Box:
  """Boxes of any type; open ones have no bound on one side or both."""
  shape = draw(st.sampled_from([(), (1,), (3,), (2, 2), (0,)]))
  dtype = np.dtype(draw(st.sampled_from(FLOATS + INTEGERS)))
  if dtype.kind == 'f':
    numbers = st.floats(-1e3, 1e3, width=16)
    ends = st.one_of(numbers, numbers, st.sampled_from([-1e4, 1e4]))
    low, high = sorted((draw(ends), draw(ends)))
    if may_be_open and draw(st.booleans()):
      low, high = draw(st.sampled_from([(-np.inf, high), (low, np.inf)]))
  elif dtype.kind == 'b':
    low, high = 0, 1
  else:
    limits = np.iinfo(dtype)
    numbers = st.integers(max(limits.min, -100), min(limits.max, 100))
    low, high = sorted((draw(numbers), draw(numbers)))
  return spaces.Box(low, high, shape, dtype.type)


def leaves(is_action: bool) -> st.SearchStrategy[spaces.Space]:
  """Spaces that hold no others; few that are not supported."""
  supported = st.one_of(
    boxes(may_be_open=not is_action),
    st.builds(spaces.Discrete, st.integers(1, 40), start=st.integers(-5, 5)),
    st.builds(spaces.MultiDiscrete, st.lists(st.integers(1, 70), min_size=1)),
    st.builds(spaces.MultiBinary, st.integers(1, 9)),
    st.builds(spaces.MultiBinary, st.just([2, 3])),
  )
  others = st.sampled_from(
    [
      spaces.Text(4),
      spaces.Sequence(spaces.Discrete(2)),
      spaces.Graph(spaces.Box(0, 1, (2,)), None),
      spaces.OneOf((spaces.Discrete(2), spaces.Discrete(3))),
      spaces.Discrete(10**9 + 1),
      spaces.Box(-np.inf, np.inf, (2,)),
    ]
  )
  return st.integers(0, 11).flatmap(lambda i: others if i == 7 else supported)


def nests(members: st.SearchStrategy[spaces.Space]) -> st.SearchStrategy[spaces.Space]:
  few = st.lists(members, min_size=1, max_size=3)
  names = st.sampled_from(['b', 'a', 'a/b', ' '])
  named = st.dictionaries(names, members, min_size=1, max_size=3)
  return st.one_of(
    *[st.builds(spaces.Tuple, few), st.builds(spaces.Dict, named)] * 4,
    st.sampled_from([spaces.Tuple(()), spaces.Dict({})]),
  )


def any_space(is_action: bool) -> st.SearchStrategy[spaces.Space]:
  one = leaves(is_action)
  return st.one_of(one, st.recursive(one, nests, max_leaves=4))


GOOD_REWARDS = st.one_of(
  st.floats(-1e6, 1e6),
  st.integers(-(2**60), 2**60),
  st.booleans(),
  st.sampled_from(
    [np.float16(0.5), np.float32(-2), np.int64(3), np.bool_(True), np.array([0.5])]
  ),
)
BAD_REWARDS: st.SearchStrategy[Any] = st.sampled_from(
  [None, math.nan, math.inf, -1e39, np.zeros(3), np.zeros(0), 'one', {}, 1j, 10**400]
)
# Of what can be wrong, most environments have nothing.
RECIPES = st.builds(
  Recipe,
  observation=any_space(is_action=False),
  action=any_space(is_action=True),
  rewards=st.one_of(
    *[st.lists(GOOD_REWARDS, min_size=1, max_size=4)] * 4,
    st.lists(GOOD_REWARDS | BAD_REWARDS, min_size=1, max_size=4),
  ),
  habit=st.sampled_from(['good'] * 12 + ['none', 'nan', 'huge', 'wrapped', 'text']),
  length=st.integers(1, STEPS),
  is_cut_off=st.booleans(),
  seed=st.integers(0, 99),
)


def train() -> None:
  """Takes some steps, as an actor does.

  Raises:
    UserError: the environment cannot be trained on.
    EnvironmentFault: it has handed out what cannot be learned from.
  """
  environment = environments.make(NAME, seed=0)
  builder = QMLEBuilder(QMLE, acme.make_environment_spec(environment))
  memory.describe(builder.row_bytes, QMLE.replay_size, STEPS, 'replay_size')
  (table,) = builder.make_tables(reverb.rate_limiters.MinSize(1))
  with replay_server.serve(table) as client:
    adder = replay.NStepAdder(
      client, 1, 0.9, builder.space.from_environment, lambda: 1.0
    )
    timestep = environment.reset()
    adder.add_first(timestep)
    steps = 0
    while steps < STEPS or not timestep.last():  # Whole episodes: all rows are there.
      if timestep.last():
        timestep = environment.reset()
        adder.add_first(timestep)
      steps += 1
      vector = builder.space.sample_uniform((), np.array([steps, 0])).numpy()
      action = builder.space.to_environment(vector)
      timestep = environment.step(action)
      adder.add(action, timestep)
      np.testing.assert_allclose(
        builder.space.from_environment(action), vector, rtol=1e-3, atol=1e-3
      )
    check_rows(client, builder, steps)


def check_rows(client: reverb.Client, builder: QMLEBuilder, steps: int) -> None:
  """Asserts that all of replay can be learned from."""
  replay_server.wait_for_inserts(client, steps)
  assert client.server_info()[replay.TABLE].current_size == steps
  rows = [s.data[0] for s in client.sample(replay.TABLE, steps, emit_timesteps=False)]
  assert {row.shape for row in rows} == {(builder.row_bytes // 4,)}
  assert np.isfinite(rows).all()


def try_recipes(count: int) -> None:
  """Tries so many, of which a quarter at least must train."""
  lines: list[str] = []

  @settings(
    max_examples=count,
    derandomize=True,
    database=None,
    phases=(Phase.generate,),  # The first that fails is small enough.
    deadline=None,
    suppress_health_check=list(HealthCheck),
  )
  @given(RECIPES)
  def attempt(recipe: Recipe) -> None:
    Random.recipe = recipe
    line = ''
    try:
      train()
    except (UserError, EnvironmentFault) as error:
      line = str(error)
      assert line and '\n' not in line and len(line) < 400
    lines.append(line)

  attempt()
  assert len(lines) >= count
  assert count / 4 < lines.count('') < len(lines)


@pytest.fixture(autouse=True)
def importable(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])


def test_some_environments() -> None:
  try_recipes(30)


@pytest.mark.slow
def test_many_environments() -> None:
  try_recipes(200)
