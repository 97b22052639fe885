"""The tasks of the DeepMind Control Suite, with observations as one float32 vector.

Shapes: O = the size of an observation, A = of an action.

The episodes of the suite end at a time limit, which is no termination: the discount of
the last step is 1 then, and 0 only where the task itself ends the episode.
"""

import functools
import importlib.util
import pathlib
import re
from collections.abc import Mapping
from typing import Any

import dm_env
import numpy as np
from dm_control.rl import control
from dm_env import specs

from qmle_acme.environments import gl
from qmle_acme.errors import UserError

# The suite's first camera: it follows the body wherever the body can walk away.
_CAMERA = 0
# The tasks of this domain have no time limit of their own: 1,000 steps, as others have.
_LQR_SECONDS = 30.0
# Its terrain is uploaded to a renderer at every reset, even if no frame is drawn.
_NEED_RENDERER = frozenset({'quadruped:escape'})
# How the source of a domain says that a function is a task.
_TASK = re.compile(r'^@SUITE\.add\([^)]*\)\ndef (\w+)\(', re.MULTILINE)


class SingleVector(dm_env.Environment):
  """Makes observations one vector, and observations, rewards and discounts float32.

  Acme's ConcatObservationWrapper and SinglePrecisionWrapper together would do, but for
  their cost: 56 (walker) to 95 (dog) microseconds a step where this takes 20 to 35, of
  230 that a bare step of walker takes; and their vector is in another order.

  What is not of dm_env's interface (`physics`, `control_timestep()`, ...) is that of
  the wrapped environment. Actions are passed on as they are.
  """

  def __init__(self, environment: control.Environment) -> None:
    """Wraps an environment that was made with `flat_observation=True`."""
    self._environment = environment

  def reset(self) -> dm_env.TimeStep:
    """Starts an episode; its reward and discount are None."""
    return self._convert(self._environment.reset())

  def step(self, action: np.ndarray) -> dm_env.TimeStep:
    """Takes the action [A]; starts an episode if the last one is over."""
    return self._convert(self._environment.step(action))

  def observation_spec(self) -> specs.Array:
    """The observations of the task, flat and one after the other in its order."""
    spec = self._environment.observation_spec()[control.FLAT_OBSERVATION_KEY]
    return specs.Array(spec.shape, np.float32, 'observation')

  def action_spec(self) -> specs.BoundedArray:
    """The environment's own."""
    return self._environment.action_spec()

  def reward_spec(self) -> specs.Array:
    """The environment's own, in float32."""
    return self._environment.reward_spec().replace(dtype=np.float32)

  def discount_spec(self) -> specs.BoundedArray:
    """The environment's own, in float32."""
    return self._environment.discount_spec().replace(dtype=np.float32)

  def render(self, height: int, width: int) -> np.ndarray:
    """Returns a picture [height, width, 3], uint8.

    Raises:
      UserError: none of that size can be drawn, or OpenGL does not work here.
    """
    largest = self._environment.physics.model.vis.global_
    if height > largest.offheight or width > largest.offwidth:
      raise UserError(
        f'no video of {width} x {height} pixels: this environment draws at most '
        f'{largest.offwidth} x {largest.offheight}'
      )
    gl.use_headless_backend()
    return self._environment.physics.render(height, width, camera_id=_CAMERA)

  def close(self) -> None:
    """Frees the simulator; left to the interpreter's exit, OSMesa prints errors."""
    self._environment.physics.free()

  def flatten_observation(self, observation: Any) -> np.ndarray:
    """Returns an observation of the suite's, a dictionary, as one vector [O]."""
    if isinstance(observation, Mapping):
      observation = control.flatten_observation(observation)
      observation = observation[control.FLAT_OBSERVATION_KEY]
    return np.asarray(observation, np.float32)

  def __getattr__(self, name: str) -> Any:
    if name.startswith('_'):  # Not there while a copy or a pickle is being made.
      raise AttributeError(name)
    return getattr(self._environment, name)

  def _convert(self, timestep: dm_env.TimeStep) -> dm_env.TimeStep:
    observation = timestep.observation[control.FLAT_OBSERVATION_KEY]
    return dm_env.TimeStep(
      step_type=timestep.step_type,
      reward=None if timestep.first() else np.float32(timestep.reward),
      discount=None if timestep.first() else np.float32(timestep.discount),
      observation=observation.astype(np.float32),
    )


@functools.cache
def names() -> tuple[str, ...]:
  """Returns '<domain>:<task>' of every task of the suite, in its order.

  They are read from its source: its import takes a second, which no typo waits for.
  """
  spec = importlib.util.find_spec('dm_control.suite')
  assert spec is not None and spec.submodule_search_locations is not None
  (folder,) = spec.submodule_search_locations
  return tuple(
    f'{domain.stem}:{task}'
    for domain in sorted(pathlib.Path(folder).glob('*.py'))
    for task in _TASK.findall(domain.read_text())
  )


def knows(name: str) -> bool:
  """Returns whether that is a task of the suite."""
  return name in names()


def make(name: str, seed: int) -> dm_env.Environment:
  """Returns the task of that name, its random state made from the seed."""
  from dm_control import suite  # A second, which a name alone does not take.

  if name in _NEED_RENDERER:
    gl.use_headless_backend()
  domain, task = name.split(':')
  limit = {'time_limit': _LQR_SECONDS} if domain == 'lqr' else {}
  environment = suite.load(
    domain,
    task,
    task_kwargs={'random': seed, **limit},
    environment_kwargs={'flat_observation': True},
  )
  return SingleVector(environment)
