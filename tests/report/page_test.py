"""The page in a real browser without a network."""

import json
import pathlib
import re
import shutil
import subprocess

import fabricated
import pytest

from qmle_acme.report import writing
from qmle_acme.report.config import ReportConfig

pytestmark = pytest.mark.slow
SECONDS = 240
# Tells what the browser has made of the page, in an element of its own.
PROBE = """<pre id="probe"></pre><script>
const refused = [];
document.addEventListener('securitypolicyviolation', e => refused.push(e.blockedURI));
window.addEventListener('load', async () => {
  const images = [...document.images];
  await Promise.all(images.map(image => image.decode()));
  document.getElementById('probe').textContent = JSON.stringify({
    images: images.map(image => [image.naturalWidth, image.naturalHeight]),
    resources: performance.getEntriesByType('resource').map(entry => entry.name),
    width: document.documentElement.scrollWidth,
    refused,
  });
});
</script></body>"""


def browse(page: pathlib.Path, profile: pathlib.Path) -> tuple[str, str]:
  """Returns the page as the browser has it, and what it printed."""
  browser = shutil.which('chromium') or shutil.which('google-chrome')
  if browser is None:
    pytest.skip('there is no chromium to load the page with')
  result = subprocess.run(
    [browser, '--headless', '--no-sandbox', '--disable-gpu', '--no-first-run']
    + ['--disable-background-networking', '--host-resolver-rules=MAP * ~NOTFOUND']
    + ['--enable-logging=stderr', '--window-size=1080,2000']
    + [f'--user-data-dir={profile}', '--virtual-time-budget=60000']
    + ['--dump-dom', page.as_uri()],
    capture_output=True,
    text=True,
    timeout=SECONDS,
  )
  assert result.returncode == 0, result.stderr
  return result.stdout, result.stderr


@pytest.fixture(scope='module')
def page(tmp_path_factory: pytest.TempPathFactory) -> pathlib.Path:
  path = tmp_path_factory.mktemp('page')
  tasks = ['control:walker:walk', 'control:dog:run']
  fabricated.write_results(path / 'results', tasks, ['qmle', 'd4pg'], 2)
  return writing.write(ReportConfig(path / 'results', out=path / 'report'))


def test_loads_without_an_error(page: pathlib.Path, tmp_path: pathlib.Path) -> None:
  document, printed = browse(page, tmp_path)

  assert '<h2>Learning curves</h2>' in document
  assert 'CONSOLE' not in printed


def test_shows_every_picture_and_asks_for_nothing(
  page: pathlib.Path, tmp_path: pathlib.Path
) -> None:
  probed = page.with_name('probed.html')
  text = page.read_text().replace('</body>', PROBE)
  policy = "style-src 'unsafe-inline'"
  probed.write_text(text.replace(policy, f"{policy}; script-src 'unsafe-inline'"))

  document, _ = browse(probed, tmp_path)

  match = re.search(r'<pre id="probe">(.+?)</pre>', document)
  assert match is not None
  seen = json.loads(match[1])
  assert len(seen['images']) == 7
  assert all(width > 200 and height > 100 for width, height in seen['images'])
  assert [name for name in seen['resources'] if not name.startswith('data:')] == []
  assert seen['refused'] == []
  assert seen['width'] <= 1080
