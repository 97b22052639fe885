"""Environments that crash, each in its own way, and that hand out what none may."""

import os
import pathlib
import signal
import sys
import threading
import time
import warnings
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces

# The step at which it happens.
STEP = 30

if os.environ.get('WARN'):  # As packages do that have grown old.
  warnings.warn('an old package', stacklevel=1)
  os.write(1, b'a banner of its own\n')


class Odd(gymnasium.Env[np.ndarray, np.ndarray]):
  """Episodes of ten steps that say nothing."""

  observation_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
  action_space = spaces.Box(-1.0, 1.0, (1,), np.float32)
  taken = 0

  def reset(self, **settings: Any) -> tuple[np.ndarray, dict[str, Any]]:
    super().reset(**settings)
    return np.zeros(1, np.float32), {}

  def step(
    self, action: np.ndarray
  ) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
    self.taken += 1
    is_over = self.taken % 10 == 0
    return np.zeros(1, np.float32), self.reward(), is_over, False, {}

  def reward(self) -> float:
    return 0.0


class Crashing(Odd):
  """Of all that live long enough, the first raises, the second gets a signal, ..."""

  def reward(self) -> float:
    if self.taken == STEP:
      crash(pathlib.Path(os.environ['ODD']))
    return 0.0


def crash(book: pathlib.Path) -> None:
  """Ends the process in another way each time; in the end, it does nothing."""
  with book.open('a+') as file:
    file.write('.')
    count = file.tell()
  if count == 1:
    raise RuntimeError('the simulator is gone')
  if count == 2:
    os.kill(os.getpid(), signal.SIGSEGV)
  if count == 3:
    sys.exit(0)


class Hanging(Odd):
  """The first that lives long enough stays inside a step, for $HANG seconds."""

  def reward(self) -> float:
    book = pathlib.Path(os.environ['ODD'])
    if self.taken == STEP and not book.exists():
      book.touch()
      time.sleep(float(os.environ['HANG']))
    return 0.0


class Careless(Odd):
  """Leaves threads and processes behind, and changes what is its process's."""

  def __init__(self) -> None:
    os.chdir('/')
    for number in (signal.SIGINT, signal.SIGTERM):
      signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=time.sleep, args=[600.0], name='simulator').start()
    child = os.fork()
    if not child:
      time.sleep(60.0)
      os._exit(0)
    with pathlib.Path(os.environ['ODD']).open('a') as book:
      print(child, file=book)


class Nan(Odd):
  """Hands out a reward that is no number."""

  def reward(self) -> float:
    return float('nan') if self.taken == STEP else 0.0


class Panic(BaseException):
  """What simulators in Rust raise by pyo3: no `Exception`."""


class Mute(Exception):
  """Cannot be shown."""

  def __str__(self) -> str:
    raise RuntimeError('no words')


RAISED: dict[str, BaseException] = {
  'raises': ConnectionError('simulator [bold]gone[/bold]\nsee /var/log/sim'),
  'panics': Panic('index out of bounds'),
  'interrupts': KeyboardInterrupt(),
  'mute': Mute(),
}


class Faulty(Odd):
  """Does what it should not, from a step on and until it is mended."""

  is_mended = False

  def __init__(self, habit: str):
    self._habit = habit

  def step(
    self, action: np.ndarray
  ) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
    observation, reward, is_over, is_cut, more = super().step(action)
    if self.taken == STEP and not self.is_mended:
      if self._habit in RAISED:
        raise RAISED[self._habit]
      if self._habit == 'exits':
        sys.exit(0)
      reward = REWARDS.get(self._habit, reward)
      observation = OBSERVATIONS.get(self._habit, observation)
    return observation, reward, is_over, is_cut, more


REWARDS: dict[str, Any] = {
  'nan': float('nan'),
  'none': None,
  'huge': 1e39,
  'vector': np.zeros(2),
  'array': np.zeros(1),
}
OBSERVATIONS: dict[str, Any] = {
  'nan-seen': np.array([np.nan], np.float32),
  'shape': np.zeros(2, np.float32),
}
HABITS = (*REWARDS, *OBSERVATIONS, *RAISED, 'exits')


gymnasium.register('Crashing-v0', f'{__name__}:Crashing')
gymnasium.register('Hanging-v0', f'{__name__}:Hanging')
gymnasium.register('Nan-v0', f'{__name__}:Nan')
gymnasium.register('Careless-v0', f'{__name__}:Careless')
for _habit in HABITS:
  gymnasium.register(
    f'Faulty-{_habit}-v0', f'{__name__}:Faulty', kwargs={'habit': _habit}
  )
