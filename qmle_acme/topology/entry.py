"""What the process of a node runs: Launchpad's own entry, and a word on how it ended.

An exit code of 0 would say too little: an environment may call `sys.exit`.
"""

import signal
import traceback

import launchpad as lp
from absl import app
from launchpad.nodes.python import process_entry

from qmle_acme.errors import RunFault, UserError

# Exit codes. Those of the shell and of Python are lower or higher.
RETURNED = 77
REFUSED = 78
TERMINATED = 128 + signal.SIGTERM


def main(argv: list[str]) -> int:
  """Runs the node that the flags name; returns the exit code."""
  try:
    process_entry.main(argv)
  except (UserError, RunFault):
    traceback.print_exc()
    return REFUSED
  return TERMINATED if lp.stop_event().is_set() else RETURNED


if __name__ == '__main__':
  process_entry._populate_flags()
  app.run(main)
