"""Settings of a report."""

import dataclasses
import pathlib

import tyro


@dataclasses.dataclass(frozen=True)
class ReportConfig:
  """Settings of a report."""

  results: tyro.conf.Positional[pathlib.Path]
  """Folder of runs, or of the data/ of an earlier report."""
  out: pathlib.Path = pathlib.Path('report')
  """Folder to write index.html, report.md, figures/ and data/ into."""
  published: bool = True
  """Lay returns that others have published beside ours."""
  follow: bool = False
  """Write it again each minute as long as a run goes on; the page reloads itself."""
  open: bool = False
  """Serve the page on this machine alone, and open it in a browser."""
