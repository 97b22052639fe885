"""Which signals a process takes, and that it gives them back."""

import contextlib
import signal

from qmle_acme import processes


def test_ignored_sigint_is_taken_and_ignored_sighup_stays_so() -> None:
  ignored = (signal.SIGINT, signal.SIGHUP)
  with contextlib.ExitStack() as stack:
    for number in ignored:
      stack.callback(signal.signal, number, signal.signal(number, signal.SIG_IGN))

    with processes.recorded_signals() as received:
      for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.raise_signal(number)

    assert received == [signal.SIGINT, signal.SIGTERM]
    assert [signal.getsignal(number) for number in ignored] == [signal.SIG_IGN] * 2
