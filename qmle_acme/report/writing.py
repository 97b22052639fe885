"""Writes a report: one page that holds all of itself, Markdown, pictures, data."""

import datetime
import pathlib
import time
from collections.abc import Iterable
from typing import Any

import jinja2

from qmle_acme.errors import in_one_line
from qmle_acme.files import make_folder
from qmle_acme.report import published as published_lib
from qmle_acme.report import results as results_lib
from qmle_acme.report import sections as sections_lib
from qmle_acme.report import style, tables, videos
from qmle_acme.report.comparison import Comparison
from qmle_acme.report.config import ReportConfig

# In Markdown, of names that come from runs.
_SPECIAL = {'&': '&amp;', '<': '&lt;', '](': ']\\(', '`': '\\`'}
# Between two versions of a report that is followed.
PERIOD_SECONDS = 60
PAGE, MARKDOWN, FIGURES, DATA = 'index.html', 'report.md', 'figures', 'data'


def write(config: ReportConfig) -> pathlib.Path:
  """Writes the report and returns the path of the page.

  Raises:
    UserError: there are no results, or the folder cannot be written.
  """
  return _write(config, results_lib.read(config.results))


def follow(config: ReportConfig) -> None:
  """Writes the report again and again, and a last time when no run goes on."""
  results = results_lib.read(config.results)
  while results.are_going_on:
    time.sleep(PERIOD_SECONDS)
    results = results_lib.read(config.results)
    _write(config, results)


def _write(config: ReportConfig, results: results_lib.Results) -> pathlib.Path:
  """Writes the report of results, and returns the path of the page."""
  comparison = Comparison(results)
  published = published_lib.load(comparison.tasks if config.published else [])
  sections = sections_lib.make(comparison, published)
  make_folder(config.out / FIGURES)
  results_lib.write(results, config.out / DATA)
  context = _context(comparison)
  context['period'] = PERIOD_SECONDS
  context['is_followed'] = config.follow and results.are_going_on
  context['videos'] = videos.copy(results, config.results, config.out)
  page, markdown = _templates()
  markdown_text = markdown.render(
    **context,
    sections=sections,
    pictures={s.name: _png(s, config.out) for s in sections if s.draw},
  )
  (config.out / MARKDOWN).write_text(markdown_text)
  pictures = {s.name: _svgs(s) for s in sections if s.draw}
  path = config.out / PAGE
  path.write_text(page.render(**context, sections=sections, pictures=pictures))
  return path


def _context(comparison: Comparison) -> dict[str, Any]:
  """Returns what is said besides the sections."""
  runs = comparison.results.runs
  now = datetime.datetime.now(datetime.timezone.utc)
  return {
    'agents': comparison.agents,
    'tasks': comparison.tasks,
    'runs': len(runs),
    'seeds': sorted(set(runs['seed'])),
    'finished': int((runs['state'] == 'finished').sum()),
    'hardware': sorted(set(runs['hardware']) - {''}),
    'date': f'{now:%-d %B %Y}',
    'notes': comparison.notes(),
    'commands': [command for command in runs['command'] if command],
    'versions': tables.versions(runs),
  }


def _png(section: sections_lib.Section, out: pathlib.Path) -> str:
  """Draws a section's picture into a file and returns its path from the report."""
  assert section.draw is not None
  with style.themed(style.LIGHT):
    data = style.to_png(section.draw(style.LIGHT))
  path = pathlib.Path(FIGURES) / f'{section.name}.png'
  (out / path).write_bytes(data)
  return str(path)


def _svgs(section: sections_lib.Section) -> dict[str, str]:
  """Returns a section's picture for light and dark pages, and for print."""
  assert section.draw is not None
  pictures = {}
  for name, theme in (('light', style.LIGHT), ('dark', style.DARK)):
    with style.themed(theme):
      pictures[name] = style.to_svg(section.draw(theme))
  return pictures


def _plain(value: object) -> object:
  """Returns a text for Markdown: no HTML, link, picture or code can begin in it."""
  if not isinstance(value, str):
    return value
  for special, instead in _SPECIAL.items():
    value = value.replace(special, instead)
  return ' '.join(value.splitlines())


def _cells(row: Iterable[str]) -> list[object]:
  """Returns the texts of a table's row for Markdown."""
  return [_plain(cell.replace('|', '\\|')) for cell in row]


def _templates() -> tuple[jinja2.Template, jinja2.Template]:
  """Returns the templates of the page and of Markdown."""
  environment = jinja2.Environment(
    loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent),
    autoescape=jinja2.select_autoescape(['html.jinja']),
    trim_blocks=True,
    lstrip_blocks=True,
    undefined=jinja2.StrictUndefined,
  )
  environment.filters |= {
    'plain': _plain,
    'cells': _cells,
    'in_one_line': in_one_line,
  }
  return (
    environment.get_template('page.html.jinja'),
    environment.get_template('report.md.jinja'),
  )
