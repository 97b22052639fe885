"""`qmle report`: pictures and tables of the runs of a benchmark."""

import contextlib
import threading

from qmle_acme.files import check_can_make
from qmle_acme.report import results
from qmle_acme.report.config import ReportConfig

from . import arguments


def main(argv: list[str]) -> int:
  """Writes the report; returns the exit code."""
  config = arguments.parse(ReportConfig, argv, 'qmle report')
  results.check(config.results)
  check_can_make(config.out)
  # Statistics and pictures: seconds, which no typo waits for.
  from qmle_acme.report import serving, writing

  page = writing.write(config)
  print(f'wrote {page}, report.md, figures/ and data/ beside it', flush=True)
  following = threading.Thread(target=writing.follow, args=[config], daemon=True)
  if config.follow:
    following.start()
  with contextlib.suppress(KeyboardInterrupt):
    if config.open:
      serving.serve(page)
    elif config.follow:
      following.join()
  return 0
