"""The sections of a report: a text, and a picture or tables or both."""

import dataclasses
import functools
from collections.abc import Callable, Iterator

import pandas as pd
from matplotlib.figure import Figure

from qmle_acme.report import aggregates, panels
from qmle_acme.report import tables as tables_lib
from qmle_acme.report.comparison import Comparison
from qmle_acme.report.style import Theme


@dataclasses.dataclass(frozen=True)
class Section:
  """A section.

  Attributes:
    name: of its anchor and its picture's file.
    title: the heading.
    text: what is shown and how to read it, in plain words.
    draw: draws the picture with a theme, if there is one.
    tables: below the picture.
  """

  name: str
  title: str
  text: str
  draw: Callable[[Theme], Figure] | None = None
  tables: tuple[tables_lib.Table, ...] = ()


def make(comparison: Comparison, published: pd.DataFrame) -> list[Section]:
  """Returns the sections for which there are data."""
  if comparison.results.evaluations.empty:
    return [_costs(comparison)]
  return [
    *_aggregates(comparison),
    _final_returns(comparison),
    _learning_curves(comparison, published),
    _over_time(comparison),
    _over_learner_steps(comparison),
    _costs(comparison),
    *_q_bias(comparison),
    *_proposers(comparison),
    *_published(comparison, published),
  ]


def _aggregates(comparison: Comparison) -> Iterator[Section]:
  tasks = comparison.common_tasks()
  if not tasks:
    return
  counts = [len(comparison.scores(agent)) for agent in comparison.agents]
  text = (
    f'Over {_count([len(tasks)], "task")} with {_count(counts, "run")} of each agent. '
    'The interquartile mean is the mean of the middle half of all runs; the profile '
    'says which share of runs has scored more than each value, so higher is better '
    'everywhere. Intervals are 95 %, by resampling the runs of each task; resampling '
    'fewer than five runs gives too narrow ones, and one run gives none.'
  )
  is_many = len(comparison.agents) > 1
  yield Section(
    'aggregates',
    'All tasks together',
    text,
    functools.partial(aggregates.over_tasks, comparison),
    (tables_lib.aggregate_scores(comparison),),
  )
  if is_many:
    yield Section(
      'improvement',
      'Probability of improvement',
      'How probably a run of one agent beats a run of another on a task at random; '
      'equal returns count as half. At the dotted line neither is better.',
      functools.partial(aggregates.improvement, comparison),
      (tables_lib.improvements(comparison),),
    )


def _final_returns(comparison: Comparison) -> Section:
  return Section(
    'final_returns',
    'Final returns',
    'All runs of a task are compared at the same step: the last one, up to the fewest '
    'steps that one of them was asked to take, at which all that have come so far were '
    'evaluated. Evaluation episodes are greedy, undiscounted, and start from the '
    'same states for every agent.',
    tables=(tables_lib.final_returns(comparison),),
  )


def _learning_curves(comparison: Comparison, published: pd.DataFrame) -> Section:
  text = (
    'Thick: the mean over runs; thin: each run; shaded: the 95 % interval of the mean '
    "(Student's t), of three runs or more: that of two would fill the panel. It stands "
    'under Final returns. In brackets: the dimensions of an action.'
  )
  if len(published):
    text += (
      ' Diamonds: the returns that others have published for the same algorithm, with '
      'their settings.'
    )
  return Section(
    'learning_curves',
    'Learning curves',
    text,
    functools.partial(panels.learning_curves, comparison, published),
  )


def _over_time(comparison: Comparison) -> Section:
  return Section(
    'wall_time',
    'Return against wall time',
    'The same evaluations over the time that the run had taken, a line per run. Time '
    'is comparable only between runs on the same hardware with the same other work.',
    functools.partial(panels.returns_over_time, comparison),
  )


def _over_learner_steps(comparison: Comparison) -> Section:
  return Section(
    'learner_steps',
    'Return against learner steps',
    'The same evaluations over the learner steps that the run had taken, a line per '
    'run. How much a learner step learns depends on the agent and its batch size.',
    functools.partial(panels.returns_over_learner_steps, comparison),
  )


def _costs(comparison: Comparison) -> Section:
  return Section(
    'costs',
    'What it cost',
    'Time and learner steps of whole runs.',
    tables=(tables_lib.costs(comparison),),
  )


def _q_bias(comparison: Comparison) -> Iterator[Section]:
  if panels.with_q(comparison.results.evaluations).empty:
    return
  yield Section(
    'q_bias',
    'What Q promises, less what comes',
    'The largest Q at the start of greedy episodes, less the discounted return that '
    'they then bring, both as means over the episodes of an evaluation: above the '
    'dotted line Q promises too much. An episode that a time limit cuts short brings '
    'less than Q counts on. Lines are as in Learning curves; runs that have not '
    'recorded it are left out.',
    functools.partial(panels.q_bias, comparison),
  )


def _proposers(comparison: Comparison) -> Iterator[Section]:
  evaluations = comparison.results.evaluations
  names = panels.proposer_names(evaluations)
  known = evaluations.dropna(subset=names, how='all') if names else evaluations[:0]
  for agent in comparison.agents:
    if agent in set(known['agent']):
      yield Section(
        f'proposers_{agent}',
        f'Where the best actions of {agent} come from',
        'The share of arg maxima in the Bellman target that each proposer has won, as '
        'means over runs and over the learner steps since the evaluation before. All '
        'who have proposed the winner have won, so the shares may sum to more than 1. '
        'Cache hit rate: '
        'the share of sampled transitions whose best known action was in the cache.',
        functools.partial(panels.proposers, comparison, agent),
      )


def _published(comparison: Comparison, published: pd.DataFrame) -> Iterator[Section]:
  table = tables_lib.published_returns(comparison, published)
  if not table.rows:
    return
  used = published[published['task'].isin(comparison.tasks)]
  # A method's sources may be a file per task: their folders say enough.
  folders = used['source'].str.replace(r'/[^/]*$', '/', regex=True)
  sources = {
    f'{method}: {" and ".join(sorted(set(group)))}'
    for method, group in folders.groupby(used['method'])
  }
  yield Section(
    'published',
    'Published returns beside ours',
    'They say where a return stands, not who is better: code, settings, networks, '
    'action repeat and evaluation differ. Sources (repository at commit, folder): '
    f'{"; ".join(sorted(sources))}.',
    tables=(table,),
  )


def _count(counts: list[int], noun: str) -> str:
  low, high = min(counts), max(counts)
  number = f'{low}' if low == high else f'{low} to {high}'
  return f'{number} {noun}{"s" if high > 1 else ""}'
