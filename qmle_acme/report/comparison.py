"""Which runs of which agents may be compared, at which step, and what is missing."""

import itertools
import json

import numpy as np
import pandas as pd

from qmle_acme.benchmark import suites
from qmle_acme.report.results import RESTARTS, Results
from qmle_acme.runs.config import differences
from qmle_acme.runs.run_folder import DIED
from qmle_acme.types import Array

# The return of a task that is solved, by family of environments.
_LARGEST_RETURNS = {'control': 1000.0, 'bandit': 1.0}
# What may differ between runs that are compared; all else is said.
_OWN_SETTINGS = ('env', 'agent', 'label', 'seed')
_RETURN = 'episode_return_mean'


def order_agents(names: list[str]) -> list[str]:
  """Returns each agent once, QMLE first and the others by name."""
  return sorted(set(names), key=lambda name: (name != 'qmle', name))


class Comparison:
  """The runs of a report, side by side.

  Attributes:
    agents: QMLE first, then by name.
    tasks: those with fewer action dimensions first.
    horizons: the step, by task, at which runs are compared: the last one, up to the
      fewest steps that one of them was asked to take, at which all that have come so
      far were evaluated.
    finals: a row per run: `step` and `final_return` of its last evaluation up to the
      horizon, and `is_complete`, whether that was at the horizon.
  """

  def __init__(self, results: Results):
    """Compares the runs."""
    self.results = results
    runs = results.runs
    self.agents = order_agents(list(runs['agent']))
    sizes = suites.sizes()
    self.tasks = sorted(set(runs['task']), key=lambda task: (sizes.get(task, 0), task))
    self.horizons = {task: self._horizon(task) for task in self.tasks}
    self.finals = pd.DataFrame([self._final(run) for run in runs.to_dict('records')])

  def _horizon(self, task: str) -> int:
    runs, evaluations = self.results
    fewest = int(runs.loc[runs['task'] == task, 'steps'].min())
    own = evaluations[evaluations['task'] == task].groupby('run')['step']
    evaluated = [set(steps) for _, steps in own if steps.max() >= fewest]
    common = set.intersection(*evaluated) if evaluated else set()
    # At the beginning there is nothing to compare.
    return int(max((s for s in common if 0 < s <= fewest), default=fewest))

  def _final(self, run: dict) -> dict:
    horizon = self.horizons[run['task']]
    evaluations = self.results.evaluations
    own = evaluations[evaluations['run'] == run['run']]
    until = own[own['step'] <= horizon]
    last = until.iloc[-1] if len(until) else None
    return {name: run[name] for name in ('run', 'task', 'agent', 'seed')} | {
      'step': 0 if last is None else int(last['step']),
      'final_return': np.nan if last is None else last[_RETURN],
      'is_complete': bool((own['step'] == horizon).any()),
    }

  def final_returns(self, task: str, agent: str) -> Array:
    """Returns the returns of the runs that were evaluated at the horizon, [N]."""
    return self._complete(task, agent)['final_return'].to_numpy()

  def curves(self, task: str, agent: str, value: str = _RETURN) -> pd.DataFrame:
    """Returns a column of the evaluations by step (index) and run (columns)."""
    evaluations = self.results.evaluations
    is_own = (evaluations['task'] == task) & (evaluations['agent'] == agent)
    own = evaluations[is_own].drop_duplicates(['run', 'step'], keep='last')
    return own.pivot(index='step', columns='run', values=value)

  def common_tasks(self) -> list[str]:
    """Returns the tasks with a score on which every agent has a complete run."""
    return [
      task
      for task in self.tasks
      if largest_return(task) and all(len(self._complete(task, a)) for a in self.agents)
    ]

  def scores(self, agent: str) -> Array:
    """Returns the scores [N, M] of an agent at the horizon of each common task.

    N is the least number of complete runs that it has on a task.
    """
    columns = [
      self.final_returns(task, agent) / largest_return(task)
      for task in self.common_tasks()
    ]
    count = min(map(len, columns))
    return np.stack([column[:count] for column in columns], axis=1)

  def score_steps(self) -> Array:
    """Returns the steps [S] at which the common tasks have been evaluated."""
    tasks = self.common_tasks()
    last = min(self.horizons[task] for task in tasks)
    evaluations = self.results.evaluations
    steps = evaluations.loc[evaluations['task'].isin(tasks), 'step'].unique()
    return np.sort(steps[steps <= last])

  def score_curves(self, agent: str) -> Array:
    """Returns the scores [N, M, S] at `score_steps`, with lines between evaluations."""
    steps = self.score_steps()
    tasks = self.common_tasks()
    count = min(len(self._complete(task, agent)) for task in tasks)
    columns = []
    for task in tasks:
      curves = self.curves(task, agent)
      runs = self._complete(task, agent)['run'][:count]
      known = (curves[run].dropna() for run in runs)
      rows = [np.interp(steps, k.index, k) / largest_return(task) for k in known]
      columns.append(np.stack(rows))
    return np.stack(columns, axis=1)

  def notes(self) -> list[str]:
    """Returns what is missing and what is unequal, a sentence each."""
    return [
      *self._missing(),
      *self._unfinished(),
      *self._restarted(),
      *self._unscored(),
      *self._relaxed(),
      *self._unequal(),
      *self._of_other_origin(),
    ]

  def _complete(self, task: str, agent: str) -> pd.DataFrame:
    finals = self.finals
    is_own = (finals['task'] == task) & (finals['agent'] == agent)
    return finals[is_own & finals['is_complete']].sort_values('seed')

  def _missing(self) -> list[str]:
    runs = self.results.runs
    seeds = sorted(set(runs['seed']))
    there = set(zip(runs['task'], runs['agent'], runs['seed'], strict=True))
    notes = []
    for task, agent in itertools.product(self.tasks, self.agents):
      lacking = [seed for seed in seeds if (task, agent, seed) not in there]
      if lacking == seeds:
        notes.append(f'{agent} was not run on {task}.')
      elif lacking:
        listed = ', '.join(map(str, lacking))
        notes.append(f'{agent} on {task} lacks seed {listed}, which others have.')
    for (task, agent, seed), same in runs.groupby(['task', 'agent', 'seed']):
      if len(same) > 1:
        notes.append(f'{agent} on {task} has {len(same)} runs of seed {seed}.')
    if len(seeds) == 1:
      notes.append('There is one seed: nothing can be said of the spread between runs.')
    return notes

  def _unfinished(self) -> list[str]:
    finals = self.finals.to_dict('records')
    notes = []
    for run, final in zip(self.results.runs.to_dict('records'), finals, strict=True):
      if not final['is_complete']:
        horizon = self.horizons[run['task']]
        state = f'has ended without an evaluation at step {horizon:,}'
        if run['state'] != 'finished':
          verb = 'has' if run['state'] in (DIED, 'failed') else 'is'
          state = f'{verb} {run["state"]}' + (
            f' ({run["error"]})' if run['error'] else ''
          )
        has_curve = not np.isnan(final['final_return'])
        where = 'in the curves only' if has_curve else 'left out'
        notes.append(
          f'{run["agent"]} on {run["task"]}, seed {run["seed"]}, {state}, at '
          f'{run["actor_steps"]:,} of {run["steps"]:,} steps: it is {where}.'
        )
    return notes

  def _restarted(self) -> list[str]:
    runs = self.results.runs
    notes = []
    for run in runs[runs[RESTARTS] > 0].to_dict('records'):
      count = int(run[RESTARTS])
      times = 'once' if count == 1 else f'{count} times'
      notes.append(
        f'{run["agent"]} on {run["task"]}, seed {run["seed"]}, was restarted {times}, '
        'in part or as a whole.'
      )
    return notes

  def _unscored(self) -> list[str]:
    common = self.common_tasks()
    left = [task for task in self.tasks if task not in common]
    if not left:
      return []
    return [
      f'The aggregates leave out {", ".join(left)}: they take tasks with a known '
      'largest return on which every agent has a complete run.'
    ]

  def _relaxed(self) -> list[str]:
    """Returns who has acted by the relaxed form of a task."""
    notes = []
    for (task, agent), same in self.results.runs.groupby(['task', 'agent']):
      forms = [json.loads(text).get('env', task) for text in same['settings']]
      relaxed = sum(form != task for form in forms)
      if relaxed:
        which = '' if relaxed == len(forms) else f' in {relaxed} of {len(forms)} runs'
        notes.append(f'{agent} acts on relaxed:{task}{which}.')
    return notes

  def _unequal(self) -> list[str]:
    """Returns the settings in which runs differ that should not."""
    notes = []
    for agent in [None, *self.agents]:
      chosen = [
        _comparable(run['settings'], of_agent=agent is not None)
        for run in self.results.runs.to_dict('records')
        if agent in (None, run['agent'])
      ]
      found = {text for one in chosen for text in differences(chosen[0], one)}
      if found:
        who = f'The runs of {agent}' if agent else 'The runs'
        notes.append(f'{who} differ in {"; ".join(sorted(found))}.')
    return notes

  def _of_other_origin(self) -> list[str]:
    """Returns the runs that another commit or machine has made than most."""
    notes = []
    for column, name in (('revision', 'commit'), ('hardware', 'machine')):
      origins = self.results.runs[column].replace('', 'not recorded')
      most = origins.mode()[0]
      runs = self.results.runs.assign(origin=origins)[origins != most]
      others = [
        f'{run["agent"]} on {run["task"]}, seed {run["seed"]} ({run["origin"]})'
        for run in runs.to_dict('records')
      ]
      if others:
        notes.append(f'Most runs are of {name} {most}, but not {", ".join(others)}.')
    return notes


def largest_return(task: str) -> float | None:
  """Returns the return of a task that is solved; None where it is not known."""
  return _LARGEST_RETURNS.get(task.partition(':')[0])


def _comparable(settings: str, of_agent: bool) -> dict:
  """Returns an agent's own settings, or else those that are of every run."""
  return {
    key: value
    for key, value in json.loads(settings).items()
    if isinstance(value, dict) == of_agent and key not in _OWN_SETTINGS
  }
