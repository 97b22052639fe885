"""`qmle report`: pictures and tables of the runs of a benchmark."""

from qmle_acme.report import serving, writing

from . import arguments


def main(argv: list[str]) -> int:
  """Writes the report; returns the exit code."""
  config = arguments.parse(writing.ReportConfig, argv, 'qmle report')
  page = writing.write(config)
  print(f'wrote {page}, report.md, figures/ and data/ beside it')
  if config.open:
    serving.serve(page)
  return 0
