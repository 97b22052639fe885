"""A learner that has diverged: it stops before that reaches a checkpoint."""

import pathlib
from collections.abc import Mapping
from typing import Any

import numpy as np

from qmle_acme.errors import RunFault
from qmle_acme.types import Sample, Tensor


class Diverged(RunFault):
  """A loss, or a variable, is no finite number; one line says which and when.

  Attributes:
    sample: the batch of the step, if it was found in one.
    batch_path: where that is saved, once it is.
  """

  def __init__(self, what: str, learner_steps: int, sample: Sample | None = None):
    """Takes what is not finite, and the learner steps taken."""
    super().__init__(f'{what} at learner step {learner_steps:,}')
    self.sample = sample
    self.batch_path: pathlib.Path | None = None

  def __str__(self) -> str:
    """Returns what, when, where its batch is, and what may help."""
    batch = f' (its batch: {self.batch_path})' if self.batch_path else ''
    advice = 'a smaller learning rate may help'
    return f'the learner has diverged: {self.args[0]}{batch}; {advice}'


def check_step(
  learner_steps: int, metrics: Mapping[str, Tensor], sample: Sample
) -> None:
  """Checks what one step has come to.

  Args:
    learner_steps: taken, this one included.
    metrics: scalars, its losses among them.
    sample: its batch.

  Raises:
    Diverged: a loss is not finite.
  """
  for name, value in metrics.items():
    if 'loss' in name and not np.isfinite(float(value)):
      raise Diverged(f'{name} is {float(value)}', learner_steps, sample)


def check_state(learner_steps: int, state: Mapping[str, Any]) -> None:
  """Checks all variables of a learner, as they are about to be saved.

  Raises:
    Diverged: one of them is not finite.
  """
  for name, part in state.items():
    for variable in getattr(part, 'variables', [part]):
      values = variable.numpy()
      if values.dtype.kind == 'f' and not np.isfinite(values).all():
        raise Diverged(f'a variable of its {name} is not finite', learner_steps)
