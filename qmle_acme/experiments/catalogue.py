"""All studies, by name: a file each, which is imported when it is asked for."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from qmle_acme.errors import unknown

if TYPE_CHECKING:  # Pictures: a second, which no typo waits for.
  from qmle_acme.experiments.study import Study

NAMES = (
  'bandit',
  'budget',
  'ablation',
  'dimensions',
  'locality',
  'predictors',
  'cardinality',
  'exactness',
)


def check(name: str) -> None:
  """Checks that there is a study of this name; TensorFlow is not imported.

  Raises:
    UserError: there is none.
  """
  if name not in NAMES:
    raise unknown('experiment', name, NAMES)


def make(name: str) -> Study:
  """Returns the study of a name."""
  module = importlib.import_module(f'qmle_acme.experiments.{name}')
  return getattr(module, f'{name.title()}Study')()
