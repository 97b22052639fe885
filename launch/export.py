"""`qmle export`: the policy of a run as a TensorFlow SavedModel."""

import dataclasses
import pathlib

import tyro

from qmle_acme.files import check_is_new
from qmle_acme.runs.run_folder import RunFolder

from . import arguments


@dataclasses.dataclass(frozen=True)
class ExportConfig:
  """Which policy is written, and where."""

  run: tyro.conf.Positional[pathlib.Path]
  """Folder of the run."""
  out: pathlib.Path = pathlib.Path('policy')
  """Folder to write; nothing may be there."""
  best: bool = False
  """Take the checkpoint of the best evaluation, not the newest."""


def main(argv: list[str]) -> int:
  """Exports; returns the exit code."""
  config = arguments.parse(ExportConfig, argv, 'qmle export', description=__doc__)
  RunFolder(config.run).read_config()
  check_is_new(config.out)
  # TensorFlow: seconds, which nobody waits for whose folder is no run.
  from qmle_acme.export import export
  from qmle_acme.policy import load_policy

  policy = load_policy(config.run, best=config.best)
  export(policy, config.out)
  print(f'wrote {config.out}: the policy after {policy.step:,} steps')
  return 0
