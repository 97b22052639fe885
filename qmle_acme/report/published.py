"""Returns that others have published, to be laid beside ours.

They are other people's code with their settings and their ways of evaluating, so they
say where a return stands, and not who is better.
"""

import pathlib

import pandas as pd

_FILE = pathlib.Path(__file__).with_name('published_returns.csv')
# The methods that are also agents of ours.
TWINS = {'d4pg': 'D4PG', 'dmpo': 'DMPO'}


def load(tasks: list[str]) -> pd.DataFrame:
  """Returns task, method, env_steps, return and source of what is known of tasks."""
  wide = pd.read_csv(_FILE)
  long = wide.melt(
    ['task', 'method', 'source'], var_name='env_steps', value_name='return'
  )
  long['env_steps'] = long['env_steps'].astype(int)
  return long[long['task'].isin(tasks)].dropna().sort_values(['method', 'env_steps'])


def curve(published: pd.DataFrame, task: str, method: str, last: int) -> pd.DataFrame:
  """Returns the rows of a method on a task up to a step."""
  is_own = (published['task'] == task) & (published['method'] == method)
  return published[is_own & (published['env_steps'] <= last)]


def at(published: pd.DataFrame, horizons: dict[str, int]) -> pd.DataFrame:
  """Returns, by task (index) and method, the returns at the last step that we reach.

  Args:
    published: from `load`.
    horizons: our steps by task; where they are fewer than any that were published, the
      task is left out.
  """
  reached = published[published['env_steps'] <= published['task'].map(horizons)]
  last = reached.groupby('task')['env_steps'].transform('max')
  rows = reached[reached['env_steps'] == last]
  table = rows.pivot(index=['task', 'env_steps'], columns='method', values='return')
  return table.reset_index('env_steps')
