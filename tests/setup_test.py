"""What is imported, what setup.py lists, and what is pinned and installed agree."""

import ast
import re
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
OURS = ('qmle_acme', 'launch')
# Imported where a task needs them, which says so where they are missing.
OPTIONAL = {'grid2op', 'lightsim2grid'}
EXTRA = re.compile(r'extra == ["\'](\w+)')
PIN = re.compile(r'([A-Za-z0-9._-]+)==([A-Za-z0-9.!+]+)')


def _normalised(name: str) -> str:
  """Returns the one spelling of a distribution's name that can be compared."""
  return re.sub(r'[-_.]+', '-', name).lower()


def _pinned() -> dict[str, str]:
  """Returns the versions in requirements.txt by distribution.

  Raises:
    ValueError: a line is anything but a comment or `name==version`, such as an
      option, an address, a range or a marker.
  """
  pins = {}
  for line in (ROOT / 'requirements.txt').read_text().splitlines():
    if line.lstrip().startswith('#'):
      continue
    match = PIN.fullmatch(line)
    if match is None:
      raise ValueError(f'requirements.txt: not a plain exact pin: {line!r}')
    pins[_normalised(match[1])] = match[2]
  return pins


def _direct(*extras: str) -> dict[str, str]:
  """Returns the versions that setup.py asks for by distribution.

  Args:
    extras: whose distributions are among them.
  """
  direct = {}
  for line in metadata.requires('qmle_acme') or []:
    requirement, _, marker = line.partition(';')
    extra = EXTRA.search(marker)
    if extra is None or extra[1] in extras:
      match = PIN.fullmatch(requirement.strip())
      assert match is not None, f'setup.py: not an exact pin: {line!r}'
      direct[_normalised(match[1])] = match[2]
  return direct


def _imports(path: Path) -> set[str]:
  """Returns the top-level names of the absolute imports anywhere in a file."""
  names = set()
  for node in ast.walk(ast.parse(path.read_text())):
    if isinstance(node, ast.Import):
      names |= {alias.name.partition('.')[0] for alias in node.names}
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
      names.add(node.module.partition('.')[0])
  return names


def _third_party() -> set[str]:
  """Returns the top-level names that our packages import from other projects."""
  files = [path for package in OURS for path in (ROOT / package).rglob('*.py')]
  names = set().union(*(_imports(path) for path in files))
  return names - sys.stdlib_module_names - set(OURS)


def test_direct_dependencies_are_pinned_at_the_same_version() -> None:
  assert _direct('report', 'build', 'dev').items() <= _pinned().items()


def test_installed_versions_are_the_pinned_ones() -> None:
  pinned = _pinned()
  assert {name: metadata.version(name) for name in pinned} == pinned


def test_one_launchpad_is_installed() -> None:
  names = {_normalised(d.metadata['Name']) for d in metadata.distributions()}
  launchpads = {name for name in names if name.startswith('dm-launchpad')}
  assert launchpads == {'dm-launchpad-nightly'}


def test_every_import_belongs_to_a_direct_dependency() -> None:
  offered = {
    file.parts[0].removesuffix('.py')
    for name in _direct('report', 'tune', 'track')
    for file in metadata.files(name) or []
  }
  missing = _third_party() - offered - OPTIONAL
  assert not missing, f'not in the dependencies of setup.py: {sorted(missing)}'
