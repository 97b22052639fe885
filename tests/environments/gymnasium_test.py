"""The adapter of Gymnasium: spaces, ends of episodes, seeds, names, pictures."""

import pathlib
import sys
import types
from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from acme import specs as acme_specs
from dm_env import specs
from gymnasium import spaces

from qmle_acme.environments import make, video
from qmle_acme.errors import UserError

SPACES = {
  'discrete': spaces.Discrete(3, start=5),
  'multidiscrete': spaces.MultiDiscrete([2, 4], start=[0, -1]),
  'box': spaces.Box(np.array([-1.0, 0.0]), np.array([2.0, 5.0]), dtype=np.float64),
  'tuple': spaces.Tuple((spaces.Discrete(2, start=1), spaces.Box(-1.0, 1.0, (2, 2)))),
  'dict': spaces.Dict(
    move=spaces.Tuple((spaces.Discrete(4),)), fire=spaces.MultiDiscrete([2, 2])
  ),
}


class Tiny(gymnasium.Env):
  """Remembers its actions; its third step is terminated or left to the time limit."""

  metadata = {'render_modes': ['ansi', 'rgb_array'], 'render_fps': 20}  # noqa: RUF012
  observation_space: spaces.Space = spaces.Dict(
    late=spaces.Discrete(3),
    early=spaces.Tuple((spaces.Box(-9.0, 9.0, (2, 2)), spaces.MultiDiscrete([2, 2]))),
  )

  def __init__(
    self,
    action_space: spaces.Space = SPACES['discrete'],
    terminates: bool = False,
    render_mode: str | None = None,
  ):
    self.action_space = action_space
    self.render_mode = render_mode
    self.seeds: list[int | None] = []
    self.actions: list[Any] = []
    self._terminates = terminates

  def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
    super().reset(seed=seed)
    self.seeds.append(seed)
    self._steps = 0
    return self._observation(), {}

  def step(self, action: Any) -> Any:
    assert self.action_space.contains(action), action
    self.actions.append(action)
    self._steps += 1
    ends = self._terminates and self._steps == 3
    return self._observation(), 0.5 * self._steps, ends, False, {}

  def render(self) -> np.ndarray:
    return np.full((20, 40, 3), 50 * self._steps, np.uint8)

  def _observation(self) -> dict[str, Any]:
    square = self.np_random.integers(-9, 9, (2, 2)).astype(np.float32)
    return {'early': (square, np.array([1, 0])), 'late': self._steps % 3}


def register(name: str, creator: Any, **options: Any) -> None:
  """Registers an environment; mypy knows less of creators than Gymnasium takes."""
  gymnasium.register(name, creator, **options)


@pytest.fixture(autouse=True)
def registered() -> Iterator[None]:
  """Environments of this module, under names of their own."""
  known = dict(gymnasium.registry)
  for name, space in SPACES.items():
    options = {'action_space': space}
    register(f'tiny/{name}-v0', Tiny, kwargs=options, max_episode_steps=3)
  register('tiny/terminates-v0', Tiny, kwargs={'terminates': True}, max_episode_steps=3)
  yield
  gymnasium.registry.clear()
  gymnasium.registry.update(known)


def tiny(environment: Any) -> Tiny:
  """Returns what is inside the adapter."""
  # Within the checks and the adapter.
  return environment._environment._environment.unwrapped


def test_observations_are_one_vector_in_a_fixed_order() -> None:
  environment = make('gymnasium:tiny/discrete-v0', seed=0)
  observation = environment.reset().observation
  assert environment.observation_spec().shape == observation.shape == (4 + 4 + 3,)
  assert observation.dtype == np.float32
  # In the order of the space: 0 of 3, four numbers, 1 of 2 and 0 of 2, one-hot.
  np.testing.assert_array_equal(
    observation[[0, 1, 2, 7, 8, 9, 10]], [1, 0, 0, 0, 1, 1, 0]
  )
  after = environment.step(1).observation
  np.testing.assert_array_equal(after[:3], [0, 1, 0])


def test_truncation_keeps_the_discount_and_termination_does_not() -> None:
  for name, discount in (('discrete', 1.0), ('terminates', 0.0)):
    environment = make(f'gymnasium:tiny/{name}-v0', seed=0)
    first = environment.reset()
    assert first.first() and first.reward is None and first.discount is None
    steps = [environment.step(0) for _ in range(3)]
    assert [step.last() for step in steps] == [False, False, True]
    assert [step.reward for step in steps] == [0.5, 1.0, 1.5]
    assert [step.discount for step in steps] == [1.0, 1.0, discount]
    assert steps[0].reward.dtype == steps[0].discount.dtype == np.float32
    assert environment.step(0).first()


def test_seed_is_that_of_the_first_reset_alone() -> None:
  def observations(seed: int) -> np.ndarray:
    environment = make('gymnasium:tiny/discrete-v0', seed=seed)
    result = np.stack([environment.reset().observation for _ in range(3)])
    assert tiny(environment).seeds == [seed, None, None]
    return result

  np.testing.assert_array_equal(observations(7), observations(7))
  assert not np.array_equal(observations(7), observations(8))


@pytest.mark.parametrize(
  ('name', 'action', 'expected'),
  [
    ('discrete', np.array(2, np.int32), 7),
    ('multidiscrete', np.array([1, -1]), [1, -1]),
    ('box', np.array([-1.0, 5.0], np.float32), [-1.0, 5.0]),
    ('tuple', (1, np.ones((2, 2), np.float32)), (2, np.ones((2, 2)))),
    ('dict', {'fire': np.array([0, 1]), 'move': (3,)}, None),
  ],
)
def test_actions_reach_the_space(name: str, action: Any, expected: Any) -> None:
  environment = make(f'gymnasium:tiny/{name}-v0', seed=0)
  acme_specs.make_environment_spec(environment)
  environment.reset()
  environment.step(action)  # Asserts that the space contains it.
  received = tiny(environment).actions[0]
  if name == 'tuple':
    assert received[0] == expected[0]
    np.testing.assert_array_equal(received[1], expected[1])
  elif name == 'dict':
    assert received['move'] == (3,)
    np.testing.assert_array_equal(received['fire'], [0, 1])
  else:
    np.testing.assert_array_equal(received, expected)


def test_specs_of_the_spaces() -> None:
  found = {n: make(f'gymnasium:tiny/{n}-v0', 0).action_spec() for n in SPACES}
  discrete, many, box = found['discrete'], found['multidiscrete'], found['box']
  assert isinstance(discrete, specs.DiscreteArray) and discrete.num_values == 3
  assert many.dtype == np.int64
  np.testing.assert_array_equal([many.minimum, many.maximum], [[0, -1], [1, 2]])
  assert box.dtype == np.float64
  np.testing.assert_array_equal([box.minimum, box.maximum], [[-1, 0], [2, 5]])
  first, second = found['tuple']
  assert first.num_values == 2 and second.shape == (2, 2)
  assert second.name == 'action/1'
  assert found['dict']['move'][0].num_values == 4
  np.testing.assert_array_equal(found['dict']['fire'].maximum, [1, 1])


def test_other_spaces_get_one_line() -> None:
  register('tiny/text-v0', Tiny, kwargs={'action_space': spaces.Text(3)})
  with pytest.raises(UserError, match='v0: action space Text is not supported: wrap'):
    make('gymnasium:tiny/text-v0', seed=0)


class OfItsOwnKind(spaces.Space):
  """A space that Gymnasium knows nothing of."""


@pytest.mark.parametrize(
  'space',
  [
    spaces.Sequence(spaces.Discrete(2)),
    spaces.Dict(),
    spaces.Tuple(()),
    OfItsOwnKind(),
    spaces.Tuple((spaces.Discrete(2), OfItsOwnKind())),
  ],
)
def test_observations_of_no_fixed_size_get_one_line(space: spaces.Space) -> None:
  class Other(Tiny):
    observation_space = space

  register('tiny/other-v0', Other)
  with pytest.raises(UserError) as error:
    make('gymnasium:tiny/other-v0', seed=0)
  assert str(error.value).startswith('gymnasium:tiny/other-v0: observation')
  assert ' is not supported: wrap ' in str(error.value) or ' is empty' in str(
    error.value
  )
  assert '\n' not in str(error.value)


def test_environment_without_a_limit_gets_one() -> None:
  environment = make('gymnasium:CliffWalking-v1', seed=0)
  timestep, steps = environment.reset(), 0
  while not timestep.last():
    timestep = environment.step(np.int64(0))  # Up, where there is nothing.
    steps += 1
  assert steps == 1_000 and timestep.discount == 1.0


def test_unknown_ids_and_missing_packages_get_one_line(
  tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
  with pytest.raises(UserError, match=r'nearest: gymnasium:Hopper-v\d'):
    make('gymnasium:Hoper-v5', seed=0)
  (tmp_path / 'broken_module.py').write_text('1 / 0')
  monkeypatch.syspath_prepend(tmp_path)
  with pytest.raises(UserError, match='cannot import broken_module: ZeroDivisionError'):
    make('gymnasium:broken_module:My-v0', seed=0)
  with pytest.raises(
    UserError, match=r'import no_such_module: .*add that to PYTHONPATH'
  ):
    make('gymnasium:no_such_module:Tiny-v0', seed=0)

  def broken(**options: Any) -> None:
    raise gymnasium.error.DependencyNotInstalled('pip install\nit')

  register('tiny/broken-v0', broken)
  with pytest.raises(UserError, match='cannot make gymnasium:tiny/broken-v0: pip inst'):
    make('gymnasium:tiny/broken-v0', seed=0)


def test_a_module_before_the_id_is_imported(monkeypatch: pytest.MonkeyPatch) -> None:
  monkeypatch.setitem(sys.modules, 'tiny_module', types.ModuleType('tiny_module'))
  environment = make('gymnasium:tiny_module:tiny/discrete-v0', seed=0)
  assert environment.reset().first()


@pytest.mark.usefixtures('headless_gl')
def test_pictures_are_fitted_into_the_size_asked_for() -> None:
  environment = make('gymnasium:tiny/discrete-v0', seed=0)
  drawn = list(video.frames(environment, lambda _: np.array(0), 32, 32))
  assert [frame.shape for frame in drawn] == [(32, 32, 3)] * 4
  assert [frame[16, 16, 0] for frame in drawn] == [0, 50, 100, 150]
  assert drawn[3][2, 16, 0] == 0  # A margin: it is twice as wide as high.
  assert video.frames_per_second(environment) == 20.0


@pytest.mark.usefixtures('headless_gl')
def test_a_simulated_body_is_drawn_and_moves() -> None:
  with make('gymnasium:InvertedPendulum-v5', seed=0) as environment:
    spec = environment.action_spec()
    assert spec.shape == (1,) and spec.maximum == 3.0
    frames = video.frames(environment, lambda _: np.full(1, 3.0, np.float32), 64, 64)
    first = next(frames)
    last = list(frames)[-1]
  assert first.std() > 5.0 and not np.array_equal(first, last)


class Pale(Tiny):
  """Draws numbers from 0 to 1, at no known rate."""

  metadata = {'render_modes': ['rgb_array'], 'render_fps': None}  # noqa: RUF012

  def render(self) -> np.ndarray:
    return np.ones((20, 40, 3))


def test_frames_that_are_no_pictures_are_refused() -> None:
  register('Pale-v0', Pale)
  with make('gymnasium:Pale-v0', seed=0) as environment:
    environment.reset()
    assert environment.control_timestep() == 1 / 30
    with pytest.raises(
      UserError, match=r'Pale-v0: its render.. gave float64 \(20, 40, 3'
    ):
      environment.render(20, 40)
    Pale.metadata['render_fps'] = 'many'
    with pytest.raises(UserError, match="render_fps is 'many'"):
      environment.control_timestep()
