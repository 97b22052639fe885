"""`qmle evaluate`: greedy return of the newest checkpoint of a run, or the best."""

import dataclasses
import pathlib
import statistics
import sys
import threading

import tyro

from qmle_acme.errors import check_range, check_seed
from qmle_acme.files import to_json
from qmle_acme.runs import screen
from qmle_acme.runs.run_folder import DIED, RunFolder

from . import arguments


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
  """Settings of an evaluation."""

  run: tyro.conf.Positional[pathlib.Path]
  """Folder of the run."""
  best: bool = False
  """Take the checkpoint of the best evaluation, not the newest."""
  episodes: int = 10
  """Greedy episodes."""
  seed: int = 0
  """Seed of the environment and of the candidates."""
  json: bool = False
  """Print one JSON object, for machines."""

  def __post_init__(self) -> None:
    """Checks every field.

    Raises:
      UserError: a value lies outside its range; the message names it.
    """
    check_range('episodes', self.episodes, 1)
    check_seed(self.seed)


def main(argv: list[str]) -> int:
  """Evaluates and prints; returns the exit code."""
  config = arguments.parse(EvaluateConfig, argv, 'qmle evaluate')
  folder = RunFolder(config.run)
  folder.read_config()
  with screen.loading_tensorflow():  # For nobody whose folder is no run.
    from qmle_acme.policy import load_policy
    from qmle_acme.runs import evaluation

  policy = load_policy(config.run, seed=config.seed, best=config.best)
  if folder.read_status().get('state') == DIED:
    print(
      f'{config.run} has died: the command that trained it resumes', file=sys.stderr
    )
  screen.announce(f'playing {_episodes(config.episodes)}')
  with policy.environment as environment:
    returns = evaluation.evaluate(
      policy.as_actor(), environment, config.episodes, threading.Event()
    )
  show = _as_json if config.json else _as_text
  print(show(policy.step, returns))
  return 0


def _episodes(count: int) -> str:
  return f'{count} greedy episode{"s" if count > 1 else ""}'


def _as_json(actor_steps: int, returns: list[float]) -> str:
  return to_json(
    {
      'actor_steps': actor_steps,
      'episode_return_mean': statistics.fmean(returns),
      'episode_return_deviation': statistics.pstdev(returns),
      'episode_returns': returns,
    }
  )


def _as_text(actor_steps: int, returns: list[float]) -> str:
  mean, deviation = statistics.fmean(returns), statistics.pstdev(returns)
  lines = [f'episode {i + 1:3}  {value:10.2f}' for i, value in enumerate(returns)]
  lines.append(
    f'return {mean:.2f} +- {deviation:.2f} (mean and standard deviation of '
    f'{_episodes(len(returns))}, after {actor_steps:,} steps)'
  )
  return '\n'.join(lines)
