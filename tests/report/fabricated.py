"""Run folders of made-up runs, written by the project's own recorder."""

import json
import pathlib

import numpy as np
import yaml

from qmle_acme.runs.config import RunConfig, to_dict
from qmle_acme.runs.recording import Recorder
from qmle_acme.runs.run_folder import RunFolder

VERSIONS = {'qmle_acme': '0.1.0', 'numpy': '1.23.5'}


def write_run(
  path: pathlib.Path,
  task: str,
  agent: str,
  seed: int,
  returns: list[list[float]],
  *,
  period: int = 100,
  steps: int | None = None,
  state: str = 'finished',
  cpu_seconds: float = 90.0,
  promised: list[float] | None = None,
  restarts: int | None = None,
) -> RunFolder:
  """Writes a run.

  Args:
    path: of its folder.
    task: the environment's name.
    agent: any name, known or not.
    seed: of the run.
    returns: of the episodes of each evaluation; the first is at step 0.
    period: steps between evaluations; each comes 3 steps late, like real ones.
    steps: asked for; those of the last evaluation if not given.
    state: how the run stands.
    cpu_seconds: that it took.
    promised: Q at the start of the episodes of each evaluation, which then bring a
      discounted return of a tenth of their return; not recorded if not given.
    restarts: that the status counts; not there if not given.
  """
  folder = RunFolder(path)
  path.mkdir(parents=True)
  steps = period * (len(returns) - 1) if steps is None else steps
  settings = to_dict(RunConfig(run=path, env=task, seed=seed, steps=steps))
  settings |= {'agent': agent, 'evaluation_period': period}
  folder.config.write_text(yaml.safe_dump(settings))
  recorder = Recorder(str(path))
  for index, episodes in enumerate(returns):
    actor_steps = index * period + (3 if index else 0)
    counts = {
      'actor_steps': actor_steps,
      'learner_steps': actor_steps // 10,
      'wall_seconds': 2.0 * index * (1 + seed),
    }
    recorder.restore(counts)
    if agent == 'qmle' and index:
      _record_learner(recorder, index / len(returns))
    means = {}
    if promised is not None:
      brought = float(np.mean(episodes)) / 10
      means = {'q_start_mean': promised[index], 'discounted_return_mean': brought}
    recorder.record_evaluation(counts, episodes, means)
  recorder.flush()
  command = ['/x/qmle', 'train', '--env', task, '--agent', agent]
  start = {
    'command': command,
    'cpu': 'A processor',
    'usable_cores': 2,
    'date': '2026-01-02',
  }
  folder.append_start(start | {'revision': 'abc123', 'versions': VERSIONS})
  folder.write_status(state, counts, 'it broke' if state == 'failed' else None)
  status = folder.read_status() | {'cpu_seconds': cpu_seconds}
  if restarts is not None:
    status['restarts'] = restarts
  folder.status.write_text(json.dumps(status))
  return folder


def write_results(
  path: pathlib.Path, tasks: list[str], agents: list[str], seeds: int, points: int = 6
) -> None:
  """Writes a grid of runs whose returns rise to an agent's level, with noise."""
  rng = np.random.default_rng(0)
  for task_index, task in enumerate(tasks):
    for agent_index, agent in enumerate(agents):
      for seed in range(1, seeds + 1):
        level = 900 - 130 * agent_index - 90 * (task_index % 4) + 60 * rng.normal()
        rise = 1 - np.exp(-3.0 * np.arange(points) / points)
        means = np.clip(level * rise + 25 * rng.normal(size=points), 0, 1000)
        returns = [[mean - 5.0, mean + 5.0] for mean in means]
        folder = path / task.replace(':', '-') / agent / f'seed{seed}'
        promised = [mean / 8 for mean in means] if agent == 'qmle' else None
        write_run(folder, task, agent, seed, returns, period=10_000, promised=promised)


def _record_learner(recorder: Recorder, progress: float) -> None:
  """Records metrics of QMLE, the shares in a sum of 1."""
  shares = {'uniform': 0.6 - 0.3 * progress, 'delta': 0.1, 'categorical': 0.1}
  shares['cache'] = 1.0 - sum(shares.values())
  winners = {f'winner/{name}': share for name, share in shares.items()}
  recorder.record_metrics('learner', {'cache_hit_rate': progress, **winners})
