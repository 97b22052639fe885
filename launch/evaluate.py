"""`qmle evaluate`: greedy return of the newest checkpoint of a run."""

import dataclasses
import json
import pathlib
import statistics
import threading

import tyro

from launch import arguments
from qmle_acme.errors import check_range, check_seed
from qmle_acme.runs import evaluation, factory
from qmle_acme.runs.recording import ACTOR_STEPS
from qmle_acme.runs.run_folder import RunFolder


@dataclasses.dataclass(frozen=True)
class EvaluateConfig:
  """Settings of an evaluation."""

  run: tyro.conf.Positional[pathlib.Path]
  """Folder of the run."""
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
  actor, counts = evaluation.load_greedy_actor(folder, config.seed)
  with factory.make_environment(folder.read_config(), config.seed) as environment:
    stop = threading.Event()
    returns = evaluation.evaluate(actor, environment, config.episodes, stop)
  steps = int(counts[ACTOR_STEPS])
  print(_as_json(steps, returns) if config.json else _as_text(steps, returns))
  return 0


def _as_json(actor_steps: int, returns: list[float]) -> str:
  return json.dumps(
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
    f'{len(returns)} greedy episodes, after {actor_steps:,} steps)'
  )
  return '\n'.join(lines)
