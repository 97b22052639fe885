"""What is kept of a failure, to look at: the batch at which a learner diverged."""

import contextlib
from collections.abc import Iterator

import numpy as np

from qmle_acme.agents.divergence import Diverged
from qmle_acme.runs.run_folder import RunFolder


@contextlib.contextmanager
def kept_batch(folder: RunFolder) -> Iterator[None]:
  """Saves the batch at which the learner diverges within, and lets the error pass.

  `numpy.load` reads the file: keys, probabilities, and the fields of the transition.
  """
  try:
    yield
  except Diverged as error:
    if error.sample is not None:
      sample = error.sample
      fields = {'keys': sample.keys, 'probabilities': sample.probabilities}
      arrays = fields | sample.transition._asdict()
      path = folder.path / 'diverged_batch.npz'
      np.savez(path, **{name: np.asarray(value) for name, value in arrays.items()})
      error.args = (f'{error} (its batch: {path})',)
    raise
