"""The site of docs/: it builds without a warning, and needs no other server."""

import html.parser
import os
import pathlib
import re
import subprocess
import sys

import pytest

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
  settings = (site / 'settings.html').read_text()
  for name in ('m_target', 'evaluation_period', 'node_restarts', 'components'):
    assert f'doc-attribute-name">{name}<' in settings
  assert 'Candidates in the arg max when acting.' in settings


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
