"""Makes no environment."""

from typing import NoReturn


def make(seed: int) -> NoReturn:
  raise ConnectionError(f'no licence for seed {seed}')
