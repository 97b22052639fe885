"""What is kept of a learner that diverges, to look at: its batch, its last metrics."""

import contextlib
import pathlib
from collections.abc import Iterator

import numpy as np
from absl import logging

from qmle_acme.agents import TFLearner
from qmle_acme.agents.divergence import Diverged
from qmle_acme.runs.run_folder import RunFolder
from qmle_acme.types import Sample


@contextlib.contextmanager
def kept_divergence(folder: RunFolder, learner: TFLearner) -> Iterator[None]:
  """Keeps how the learner came to diverge within, and lets the error pass.

  The batch is saved, if it was found in one, and the metrics up to then are written.
  `numpy.load` reads the file: keys, probabilities, and the fields of the transition.
  """
  try:
    yield
  except Diverged as error:
    with _logged_if_it_fails():
      if error.sample is not None:
        error.batch_path = _keep(error.sample, folder)
    with _logged_if_it_fails():
      learner.write_metrics()
    raise


def _keep(sample: Sample, folder: RunFolder) -> pathlib.Path:
  """Saves a batch; returns where."""
  path = folder.path / 'diverged_batch.npz'
  fields = {'keys': sample.keys, 'probabilities': sample.probabilities}
  arrays = fields | sample.transition._asdict()
  np.savez(path, **{name: np.asarray(value) for name, value in arrays.items()})
  return path


@contextlib.contextmanager
def _logged_if_it_fails() -> Iterator[None]:
  """Lets nothing that fails within hide why the run ends."""
  try:
    yield
  except Exception:
    logging.exception('of a learner that has diverged something is not kept')
