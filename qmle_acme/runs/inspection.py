"""What is kept of a learner that diverges, to look at: its batch, its last metrics."""

import contextlib
from collections.abc import Iterator

import numpy as np

from qmle_acme.agents import TFLearner
from qmle_acme.agents.divergence import Diverged
from qmle_acme.runs.run_folder import RunFolder


@contextlib.contextmanager
def kept_divergence(folder: RunFolder, learner: TFLearner) -> Iterator[None]:
  """Keeps how the learner came to diverge within, and lets the error pass.

  Its metrics up to then are written, and the batch saved, if it was found in one.
  `numpy.load` reads the file: keys, probabilities, and the fields of the transition.
  """
  try:
    yield
  except Diverged as error:
    learner.write_metrics()
    if error.sample is not None:
      sample = error.sample
      fields = {'keys': sample.keys, 'probabilities': sample.probabilities}
      arrays = fields | sample.transition._asdict()
      path = folder.path / 'diverged_batch.npz'
      np.savez(path, **{name: np.asarray(value) for name, value in arrays.items()})
      error.args = (f'{error} (its batch: {path})',)
    raise
