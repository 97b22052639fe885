"""What a program of a user's own does while a run goes on."""

import contextlib
import dataclasses
import math
import pathlib
from collections.abc import Callable, Sequence
from typing import Any

from qmle_acme.errors import (
  RunFault,
  UserError,
  check_number,
  check_range,
  check_whole,
  described,
  place_of,
)
from qmle_acme.runs.checkpoint_store import CheckpointStore
from qmle_acme.runs.evaluations import Evaluation, read_evaluations
from qmle_acme.runs.run_folder import RunFolder


@dataclasses.dataclass(frozen=True)
class Result:
  """How a run stands once `train` has returned.

  Attributes:
    folder: of the run; `load_policy(folder)` acts by what it has learned.
    status: 'finished'; 'stopped' by a callback or a signal, the same call goes on;
      or 'failed'.
    steps: environment steps of the newest checkpoint.
    final_return: mean greedy return of the newest evaluation, None without one.
    best_return: of the best evaluation.
    best_step: environment steps of that.
    error: one line on what went wrong, if anything did.
  """

  folder: pathlib.Path
  status: str
  steps: int
  final_return: float | None
  best_return: float | None
  best_step: int | None
  error: str | None


class Callback:
  """Is called while a run goes on, in the thread that called `train`.

  Override what you need. An exception ends the run as failed, with a checkpoint, and
  the error of its result names it; what `on_end` raises, `train` raises.
  """

  def on_evaluation(self, evaluation: Evaluation) -> bool | None:
    """Is called after each evaluation; True stops the run, with a checkpoint."""

  def on_checkpoint(self, path: pathlib.Path) -> bool | None:
    """Is called for a new checkpoint, by its folder; True stops the run."""

  def on_end(self, result: Result) -> None:
    """Is called once, when the run is over and all is saved."""


def check(callbacks: Sequence[Callback]) -> None:
  """Refuses what `train` could not call.

  Raises:
    UserError: it is no sequence of instances of `Callback`.
  """
  is_sequence = isinstance(callbacks, Sequence)
  for each in callbacks if is_sequence else [callbacks]:
    if not is_sequence or not isinstance(each, Callback):
      given = each.__name__ if isinstance(each, type) else type(each).__name__
      raise UserError(f'callbacks must be a list of Callback instances, not {given}')


class EarlyStopping(Callback):
  """Stops a run that is good enough, or that has stopped getting better."""

  def __init__(
    self,
    target: float | None = None,
    patience: int | None = None,
    min_gain: float = 0.0,
  ):
    """Takes the reasons to stop; at least one.

    Args:
      target: mean greedy return that is enough.
      patience: evaluations in a row without a gain after which there is no hope.
      min_gain: what a return must exceed the best one by, to be a gain.

    Raises:
      UserError: there is no reason, or one that cannot be used.
    """
    if target is None and patience is None:
      raise UserError('EarlyStopping needs target, patience or both')
    if target is not None:
      check_number('target', target)
    if patience is not None:
      check_whole('patience', patience)
      check_range('patience', patience, 1)
    check_number('min_gain', min_gain)
    check_range('min_gain', min_gain, 0.0)
    self._target = math.inf if target is None else target
    self._patience = math.inf if patience is None else patience
    self._min_gain = min_gain
    self._best = -math.inf
    self._without_gain = 0

  def on_evaluation(self, evaluation: Evaluation) -> bool:
    """Returns whether a reason to stop holds."""
    value = evaluation.episode_return_mean
    is_gain = value > self._best + self._min_gain
    self._without_gain = 0 if is_gain else self._without_gain + 1
    self._best = max(self._best, value)
    return value >= self._target or self._without_gain >= self._patience


class CallbackFault(RunFault):
  """A callback has raised; one line says which, what and where."""


class Watcher:
  """Finds in its folder what is new of a run, and tells the callbacks.

  All layouts write the same records there, so it needs to know none of them. What a
  restart of the run repeats is not told again.
  """

  def __init__(self, folder: RunFolder, callbacks: Sequence[Callback]):
    self._folder = folder
    self._callbacks = callbacks
    self._store = CheckpointStore(folder.learner_checkpoints)
    self._stamps: dict[pathlib.Path, Any] = {}
    self._has_raised = False
    self._checkpoint = max(self._store.numbers(), default=0)
    self._evaluation = max(map(_when, read_evaluations(folder)), default=(-1, -1))

  def poll(self) -> bool:
    """Tells what is new since the last time; returns whether the run is to stop."""
    answers: list[bool | None] = []
    if self._is_changed(self._folder.evaluations):
      for evaluation in read_evaluations(self._folder):
        if _when(evaluation) > self._evaluation:
          self._evaluation = _when(evaluation)
          answers += [self._tell(c.on_evaluation, evaluation) for c in self._callbacks]
    if self._is_changed(self._store.path):
      for number in self._store.numbers():
        if number > self._checkpoint:
          self._checkpoint = number
          path = self._store.path / str(number)
          answers += [self._tell(c.on_checkpoint, path) for c in self._callbacks]
    return any(answers)

  def end(self, result: Result) -> None:
    """Tells what is left to tell of a run that has failed, and how the run stands."""
    with contextlib.suppress(CallbackFault):  # The result has an error already.
      if not self._has_raised:
        self.poll()
    for each in self._callbacks:
      each.on_end(result)

  def _tell(self, method: Callable[[Any], bool | None], news: Any) -> bool | None:
    """Calls a method of a callback; an exception says whose it is.

    Raises:
      CallbackFault: it has raised one.
    """
    try:
      return method(news)
    except KeyboardInterrupt:  # Of a person, as far as anyone can tell.
      raise
    except BaseException as error:  # Whatever it may raise, or sys.exit.
      self._has_raised = True
      raise CallbackFault(
        f'{method.__qualname__} has raised {described(error)} ({place_of(error)})'
      ) from error

  def _is_changed(self, path: pathlib.Path) -> bool:
    stat = path.stat() if path.exists() else None
    stamp = stat and (stat.st_mtime_ns, stat.st_size)
    is_changed = self._stamps.get(path) != stamp
    self._stamps[path] = stamp
    return is_changed


def _when(evaluation: Evaluation) -> tuple[int, int]:
  return evaluation.actor_steps, evaluation.learner_steps
