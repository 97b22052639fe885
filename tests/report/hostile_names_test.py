"""Names that come from runs of somebody else stay names in a report."""

import html.parser
import json
import pathlib

import fabricated
import markdown_it
import pytest

from qmle_acme.launch import report

SCRIPT = '<script>alert(1)</script>'
PICTURE = '<img src=x onerror=alert(1)>'


class Tags(html.parser.HTMLParser):
  """Collects what a browser would run, or fetch."""

  def __init__(self, page: str):
    super().__init__()
    self.found: list[tuple[str, dict[str, str | None]]] = []
    self.feed(page)

  def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
    self.found.append((tag, dict(attrs)))


@pytest.mark.parametrize(
  'name',
  [SCRIPT, PICTURE, f'a|b`{SCRIPT}`', '![x](http://x/y)', f'a\n\n{SCRIPT}', '$_'],
)
def test_names_of_runs_bring_nothing_into_a_report(
  tmp_path: pathlib.Path, name: str
) -> None:
  folder = fabricated.write_run(tmp_path / 'runs/a', name, name, 1, [[1.0], [2.0]])
  start = json.loads(folder.starts.read_text())
  command = ['/x/qmle', f'```\n\n{name}', name]
  changed = {'cpu': name, 'command': command, 'versions': {name: name}}
  folder.append_start(start | changed)
  folder.write_status('failed', {'actor_steps': 1}, error=name)

  assert report.main([str(folder.path.parent), '--out', str(tmp_path / 'out')]) == 0

  page = (tmp_path / 'out/index.html').read_text()
  markdown = (tmp_path / 'out/report.md').read_text()
  rendered = markdown_it.MarkdownIt('commonmark', {'html': True}).enable('table')
  for text in (page, rendered.render(markdown)):
    for tag, attributes in Tags(text).found:
      assert tag != 'script'
      assert not any(key.startswith('on') for key in attributes)
      assert not str(attributes.get('src', '')).startswith(('x', 'http'))
  assert '</table>' in rendered.render(markdown)
