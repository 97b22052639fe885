"""What is drawn: the points of each line, from runs whose numbers are known."""

import pathlib

import fabricated
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes

from qmle_acme.report import panels, published, results, sections
from qmle_acme.report.comparison import Comparison
from qmle_acme.report.style import LIGHT

WALK, SPIN = 'control:walker:walk', 'control:finger:spin'


def points(axes: Axes, label: str) -> list[tuple[float, float]]:
  """Returns the points of the one line with this label."""
  (line,) = [line for line in axes.get_lines() if line.get_label() == label]
  return [(float(x), float(y)) for x, y in np.asarray(line.get_xydata())]


@pytest.fixture
def comparison(tmp_path: pathlib.Path) -> Comparison:
  """Two runs of QMLE of which one has recorded Q, and another agent's; two tasks."""
  returns = [[10.0], [40.0], [80.0, 120.0]]
  write = fabricated.write_run
  write(tmp_path / 'a', WALK, 'qmle', 1, returns, promised=[5.0, 3.0, 12.0])
  write(tmp_path / 'b', WALK, 'qmle', 2, [[0.0], [20.0], [30.0]])
  write(tmp_path / 'c', WALK, 'd4pg', 1, [[7.0], [8.0], [9.0]])
  write(tmp_path / 'd', SPIN, 'd4pg', 1, [[7.0], [8.0], [9.0]])
  return Comparison(results.read(tmp_path))


def test_bias_of_q_is_what_was_promised_less_what_came(comparison: Comparison) -> None:
  figure = panels.q_bias(comparison, LIGHT)

  (axes,) = figure.axes  # Nothing is known of Q on the other task.
  assert axes.get_title() == 'walker:walk (6-D)'
  assert points(axes, 'qmle') == [(0.0, 4.0), (0.1, -1.0), (0.2, 2.0)]
  zero, _ = axes.get_lines()  # And no line of the runs that have not recorded it.
  np.testing.assert_array_equal(zero.get_ydata(), 0.0)
  plt.close(figure)


def test_bias_of_q_is_a_mean_over_runs(tmp_path: pathlib.Path) -> None:
  for seed, promised in ((1, [3.0, 4.0]), (2, [5.0, 9.0])):
    folder = tmp_path / str(seed)
    fabricated.write_run(
      folder, WALK, 'qmle', seed, [[10.0], [20.0]], promised=promised
    )

  figure = panels.q_bias(Comparison(results.read(tmp_path)), LIGHT)

  assert points(figure.axes[0], 'qmle') == [(0.0, 3.0), (0.1, 4.5)]
  plt.close(figure)


def test_returns_over_learner_steps(comparison: Comparison) -> None:
  figure = panels.returns_over_learner_steps(comparison, LIGHT)

  spin, walk = figure.axes
  # A learner step for ten steps; evaluations come three steps late.
  assert points(walk, 'qmle') == [(0.0, 10.0), (0.01, 40.0), (0.02, 100.0)]
  assert points(walk, 'd4pg') == [(0.0, 7.0), (0.01, 8.0), (0.02, 9.0)]
  assert len(walk.get_lines()) == 3
  assert walk.get_xlabel() == 'learner steps (thousands)'
  assert len(spin.get_lines()) == 1
  plt.close(figure)


def test_no_section_on_q_where_no_run_has_recorded_it(tmp_path: pathlib.Path) -> None:
  fabricated.write_run(tmp_path / 'a', WALK, 'd4pg', 1, [[7.0], [8.0]])
  read = results.read(tmp_path)

  made = sections.make(Comparison(read), published.load([WALK]))

  assert 'q_bias' not in [section.name for section in made]
