"""`qmle speed`: how fast it is on this machine, part by part and in whole runs."""

import json
import signal
import sys

from launch import arguments
from qmle_acme.experiments.run_folder import write_atomically
from qmle_acme.speed import sections, tables


def main(argv: list[str]) -> int:
  """Measures, prints and writes; returns the exit code."""
  config = arguments.parse(sections.SpeedConfig, argv, 'qmle speed')
  # Leaves by an exception, so that whatever is being measured ends as well.
  signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
  screen = tables.Screen()
  result = sections.measure(config, screen.show)
  write_atomically(config.out, json.dumps(result, indent=2) + '\n')
  print(f'wrote {config.out}')
  return 0
