"""The site of docs/: it builds without a warning, and needs no other server."""

import dataclasses
import html
import html.parser
import os
import pathlib
import re
import subprocess
import sys

import pytest

from qmle_acme.agents.acme.dmpo.config import DMPOConfig
from qmle_acme.agents.qmle.config import QMLEConfig
from qmle_acme.agents.qmle.predictors.config import MixtureConfig
from qmle_acme.runs.config import FaultsConfig, RunConfig

_ROOT = pathlib.Path(__file__).parents[2]
# What a browser fetches by itself, not what a reader may click on.
_FETCHED = {'script': 'src', 'img': 'src', 'iframe': 'src', 'source': 'src'}
_LINKS_FETCHED = {'stylesheet', 'icon', 'preload', 'preconnect', 'dns-prefetch'}


@pytest.fixture(scope='module')
def site(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  """The folder of the built site."""
  out = tmp_path_factory.mktemp('site')
  command = [
    sys.executable,
    '-m',
    'mkdocs',
    'build',
    '--strict',
    '--site-dir',
    str(out),
  ]
  environment = os.environ | {'NO_MKDOCS_2_WARNING': '1'}
  built = subprocess.run(
    command, cwd=_ROOT, env=environment, capture_output=True, text=True
  )
  assert built.returncode == 0, built.stderr
  return out


def test_pages_fetch_nothing_from_other_servers(site: pathlib.Path) -> None:
  pages = {page: _Page(page.read_text()) for page in site.rglob('*.html')}
  assert len(pages) > 15
  assert any('assets/' in url for page in pages.values() for url in page.fetched)
  foreign = [url for page in pages.values() for url in page.fetched if '//' in url]
  assert not foreign
  for sheet in site.rglob('*.css'):
    assert not re.search(r'(url\(|@import)\s*["\']?(https?:)?//', sheet.read_text())
  # The theme's script has diagrams drawn by a library from elsewhere.
  assert not any('mermaid' in page.classes for page in pages.values())


def test_links_between_pages_lead_somewhere(site: pathlib.Path) -> None:
  for path in site.rglob('*.html'):
    page = _Page(path.read_text())
    for link in page.links:
      if '://' in link or link.startswith(('mailto:', '#', '/')):
        continue
      assert (path.parent / link.partition('#')[0]).is_file(), f'{path}: {link}'


def test_settings_are_read_from_the_source(site: pathlib.Path) -> None:
  rows = _rows((site / 'settings.html').read_text())
  for kind in (RunConfig, FaultsConfig, QMLEConfig, MixtureConfig, DMPOConfig):
    named = {f.name for f in dataclasses.fields(kind)}
    assert named - {'faults', 'qmle', 'd4pg', 'dmpo'} <= set(rows)
  assert rows['run'] == (
    'required',
    'Folder of the run; the same command again resumes it.',
  )
  default, meaning = rows['stall_policy']
  assert default == 'report' and meaning.endswith(' report or restart or end.')
  assert rows['components'] == ('4', 'Number of Gaussians. At least 1 and at most 100.')
  assert rows['predictors'][0] == 'delta, categorical'


def test_code_breaks_between_words_alone(site: pathlib.Path) -> None:
  page = (site / 'commands.html').read_text()
  assert '<code>--argmax-nodes 2</code>' in page
  assert '<code>loading <wbr>TensorFlow <wbr>...</code>' in page
  assert '<wbr>' not in ''.join(re.findall('<pre.*?</pre>', page, re.S))


def _rows(text: str) -> dict[str, tuple[str, str]]:
  """Returns default and meaning of each setting in a page's tables."""
  cell = '<td>(.*?)</td>'
  found = re.findall(f'<tr>\\s*<td>(.*?)<br ?/?>(.*?)</td>\\s*{cell}', text)
  plain = [[html.unescape(re.sub('<.*?>', '', part)) for part in row] for row in found]
  return {name: (default, meaning) for name, default, meaning in plain}


class _Page(html.parser.HTMLParser):
  """What one page fetches, links to and is made of."""

  def __init__(self, text: str):
    super().__init__()
    self.fetched: list[str] = []
    self.links: list[str] = []
    self.classes: set[str] = set()
    self.feed(text)

  def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
    values = {name: value or '' for name, value in attrs}
    self.classes.update(values.get('class', '').split())
    if tag in _FETCHED and _FETCHED[tag] in values:
      self.fetched.append(values[_FETCHED[tag]])
    if tag == 'link' and _LINKS_FETCHED & set(values.get('rel', '').split()):
      self.fetched.append(values['href'])
    if tag == 'a' and 'href' in values:
      self.links.append(values['href'])
