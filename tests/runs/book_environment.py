"""An environment that keeps book of its opening and its end, in the file of $BOOK."""

import os
import pathlib
from typing import Any

import gymnasium
import numpy as np


class Book(gymnasium.Env):
  """Episodes of five steps, in which nothing matters."""

  observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
  action_space = gymnasium.spaces.Box(-1.0, 1.0, (1,), np.float32)

  def __init__(self) -> None:
    self._write('opened')

  def reset(self, **settings: Any) -> tuple[np.ndarray, dict[str, Any]]:
    super().reset(**settings)
    return np.zeros(2, np.float32), {}

  def step(
    self, action: np.ndarray
  ) -> tuple[np.ndarray, float, bool, bool, dict[str, Any]]:
    return np.zeros(2, np.float32), 0.0, False, False, {}

  def close(self) -> None:
    self._write('closed')

  def _write(self, what: str) -> None:
    with pathlib.Path(os.environ['BOOK']).open('a') as book:
      book.write(f'{what} by {os.getpid()}\n')


gymnasium.register('Book-v0', f'{__name__}:Book', max_episode_steps=5)
