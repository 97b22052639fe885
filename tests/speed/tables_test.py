"""What `qmle speed` shows of its records."""

import pytest

from qmle_acme.speed.tables import Screen

COST = {'median': 2.0, 'min': 1.0, 'max': 3.0}


def test_part_of_a_step_is_a_line_under_its_task(
  capsys: pytest.CaptureFixture[str],
) -> None:
  parts = {'decision': {'cpu_ms': COST, 'wall_ms': COST}}
  Screen().show('actor', [{'task': 'control:dog:walk', 'threads': 1, 'parts': parts}])
  text = capsys.readouterr().out
  assert 'Actor step on control:dog:walk, 1 thread, ' in ' '.join(text.split())
  (line,) = (line for line in text.splitlines() if 'decision' in line)
  assert line.count('2 (1 to 3)') == 2
