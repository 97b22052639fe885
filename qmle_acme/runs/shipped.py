"""Settings by name: the files in configs/, which come with the package."""

import importlib.resources
import pathlib
from collections.abc import Iterable

from qmle_acme.errors import unknown

# The folder configs/, wherever it is installed.
CONFIGS = pathlib.Path(str(importlib.resources.files('qmle_acme.configs')))
# What a benchmark's `--tuned` gives to the runs of an agent: <agent>_tuned.yaml.
BASELINES = CONFIGS / 'baselines'


def is_path(word: str) -> bool:
  """Returns whether a word is a path, and not a name of what comes with the package."""
  path = pathlib.Path(word)
  return path.suffix in ('.yaml', '.yml') or '/' in word or path.is_file()


def settings_file(
  word: str, kind: str = 'settings', others: Iterable[str] = ()
) -> pathlib.Path:
  """Returns the file of settings that a word names.

  Args:
    word: a path, or the name of a file in configs/ or configs/baselines/, such as
      strong or d4pg_tuned.
    kind: what was named, for errors.
    others: names that would have been accepted besides.

  Raises:
    UserError: it is no path, and no settings of that name come with the package.
  """
  if is_path(word):
    return pathlib.Path(word)
  files = [*CONFIGS.glob('*.yaml'), *BASELINES.glob('*.yaml')]
  named = {file.stem: file for file in files}
  if word not in named:
    raise unknown(kind, word, [*others, *named])
  return named[word]
