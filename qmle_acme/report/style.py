"""How pictures look: a colour and a kind of line per agent, on screen and in print."""

import base64
import contextlib
import io
from collections.abc import Iterator
from typing import NamedTuple

import matplotlib

matplotlib.use('Agg')

import matplotlib.pyplot as plt
from matplotlib.figure import Figure


class Theme(NamedTuple):
  """The colours of a picture.

  Attributes:
    ink: of text and axes.
    faint: of the grid.
    paper: behind the picture; 'none' shows the page.
    agents: of the agents, in the order of `_KNOWN`, then of others.
    parts: of the parts of a whole, such as the proposers.
  """

  ink: str
  faint: str
  paper: str
  agents: tuple[str, ...]
  parts: tuple[str, ...]


# The first three stay apart in grey and for the colour blind (after Okabe and Ito).
LIGHT = Theme(
  ink='#24292f',
  faint='#d9dde2',
  paper='white',
  agents=('#0060a8', '#d1620c', '#008566', '#a3458c', '#6b6b6b', '#927400'),
  parts=('#c4ccd6', '#0060a8', '#d1620c', '#008566', '#a3458c', '#927400'),
)
DARK = Theme(
  ink='#d5dbe2',
  faint='#39414b',
  paper='none',
  agents=('#62b1f0', '#f0984f', '#4fc7a4', '#dc8cc8', '#a8a8a8', '#d1b545'),
  parts=('#5a6572', '#62b1f0', '#f0984f', '#4fc7a4', '#dc8cc8', '#d1b545'),
)
_KNOWN = ('qmle', 'd4pg', 'dmpo')
_DASHES = ('-', (0, (5, 1.6)), (0, (1.2, 1.2)), (0, (5, 1.5, 1.2, 1.5)))
_DOTS_PER_INCH = 130


def agent_style(name: str, agents: list[str], theme: Theme) -> dict:
  """Returns colour and kind of line of an agent, the same in every picture."""
  others = [agent for agent in agents if agent not in _KNOWN]
  place = [*_KNOWN, *others].index(name)
  return {
    'color': theme.agents[place % len(theme.agents)],
    'linestyle': _DASHES[place % len(_DASHES)],
  }


@contextlib.contextmanager
def themed(theme: Theme) -> Iterator[None]:
  """Draws with a theme in the block."""
  ink = dict.fromkeys(
    ('text.color', 'axes.labelcolor', 'axes.edgecolor', 'xtick.color', 'ytick.color'),
    theme.ink,
  )
  with plt.rc_context(
    {
      **ink,
      'figure.facecolor': theme.paper,
      'axes.facecolor': theme.paper,
      'legend.frameon': False,
      'text.parse_math': False,  # A $ in a name is no formula.
      'axes.grid': True,
      'axes.axisbelow': True,
      'grid.color': theme.faint,
      'grid.linewidth': 0.6,
      'axes.linewidth': 0.7,
      'axes.spines.top': False,
      'axes.spines.right': False,
      'axes.titlesize': 9,
      'axes.titlelocation': 'left',
      'axes.labelsize': 8.5,
      'xtick.labelsize': 8,
      'ytick.labelsize': 8,
      'legend.fontsize': 8.5,
      'lines.linewidth': 1.6,
      'font.family': 'DejaVu Sans',
      'svg.hashsalt': 'qmle',
    }
  ):
    yield


def to_svg(figure: Figure) -> str:
  """Returns a figure as the address of an image that holds all of it."""
  buffer = io.BytesIO()
  figure.savefig(buffer, format='svg', metadata={'Date': None})
  plt.close(figure)
  data = base64.b64encode(buffer.getvalue()).decode()
  return f'data:image/svg+xml;base64,{data}'


def to_png(figure: Figure) -> bytes:
  """Returns a figure as the bytes of a PNG file."""
  buffer = io.BytesIO()
  figure.savefig(buffer, format='png', dpi=_DOTS_PER_INCH)
  plt.close(figure)
  return buffer.getvalue()
