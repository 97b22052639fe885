"""The videos of runs beside a report, whose page shows them."""

import dataclasses
import pathlib
import shutil

from qmle_acme.files import make_folder
from qmle_acme.report.results import Results
from qmle_acme.runs import videos
from qmle_acme.runs.run_folder import RunFolder


@dataclasses.dataclass(frozen=True)
class Video:
  """The newest video of a run.

  Attributes:
    path: of the file, from the report's folder.
    caption: whose it is.
  """

  path: str
  caption: str


def copy(results: Results, source: pathlib.Path, out: pathlib.Path) -> list[Video]:
  """Copies the newest video of each run that has one.

  Args:
    results: of the runs, in the order to keep.
    source: folder that the runs lie in.
    out: folder of the report; what it has of an earlier time gives way.
  """
  target = out / 'videos'
  shutil.rmtree(target, ignore_errors=True)
  found = []
  for i, run in enumerate(results.runs.itertuples()):
    newest = list(videos.find(RunFolder(source / run.run)).items())[-1:]
    for steps, path in newest:
      make_folder(target)
      name = f'{i}{path.suffix}'  # A run's own name may be anything.
      shutil.copyfile(path, target / name)
      caption = f'{run.agent} on {run.task}, seed {run.seed}, after {steps:,} steps'
      found.append(Video(f'videos/{name}', caption))
  return found
