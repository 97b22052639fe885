"""`qmle speed`: how fast it is on this machine, part by part and in whole runs."""

import dataclasses
import json
import signal
import sys
from typing import Any

from qmle_acme import environments
from qmle_acme.files import make_place, write_atomically
from qmle_acme.speed.config import SpeedConfig

from . import arguments


def main(argv: list[str]) -> int:
  """Measures, prints and writes; returns the exit code."""
  config = arguments.parse(SpeedConfig, argv, 'qmle speed')
  # Leaves by an exception, so that whatever is being measured ends as well.
  signal.signal(signal.SIGTERM, lambda number, _: sys.exit(128 + number))
  for task in config.tasks:
    environments.check(task)
  make_place(config.out)
  # TensorFlow: seconds, which no typo waits for.
  from qmle_acme.speed import sections, tables

  screen = tables.Screen()
  result: dict[str, Any] = {'settings': dataclasses.asdict(config)}
  for section, measured in sections.measure(config):
    screen.show(section, measured)
    result[section] = measured
    write_atomically(config.out, json.dumps(result, indent=2, default=str) + '\n')
  print(f'wrote {config.out}')
  return 0
