"""What learners say about their steps, averaged over some seconds."""

import time
from collections.abc import Callable

from qmle_acme.agents.builder import MetricsWriter
from qmle_acme.types import Tensor

PERIOD_SECONDS = 5.0


class MeanMetrics:
  """Writes the mean metrics of a learner's steps every few seconds."""

  def __init__(
    self, write: MetricsWriter, probe: Callable[[], dict[str, Tensor | float]] = dict
  ):
    """Initialises.

    Args:
      write: receives one record of means.
      probe: returns more metrics, which are too dear for every step; called once for a
        record.
    """
    self._write = write
    self._probe = probe
    self._metrics: list[dict[str, Tensor]] = []
    self._learner_steps = 0
    self._last_write = time.monotonic()

  def add(self, learner_steps: int, metrics: dict[str, Tensor]) -> None:
    """Takes the metrics of one step, scalars; writes when it is time to."""
    self._metrics.append(metrics)
    self._learner_steps = learner_steps
    if time.monotonic() - self._last_write >= PERIOD_SECONDS:
      self.write()

  def write(self) -> None:
    """Writes the means of the steps since the last time, if there are any."""
    if self._metrics:
      count = len(self._metrics)
      means = {
        name: sum(float(metrics[name]) for metrics in self._metrics) / count
        for name in self._metrics[0]
      }
      probed = {name: float(value) for name, value in self._probe().items()}
      self._write({'learner_steps': self._learner_steps, **means, **probed})
    self._metrics, self._last_write = [], time.monotonic()
