"""Tables of settings for the site, from the dataclasses that check them.

MkDocs calls `on_page_markdown`, as mkdocs.yml asks: a comment such as
`<!-- settings: qmle_acme.runs.config.RunConfig -->` gives way to the table of its
fields. With `own settings` the fields of its base class are left out.
"""

import dataclasses
import functools
import importlib
import pathlib
import re
import typing
from typing import Any

import griffe
import pydantic

_WANTED = re.compile(r'^<!-- (own |)settings: ([\w.]+)\.(\w+) -->$', re.M)
# From here on a bound only says that the number has to fit where it is kept.
_HUGE = 1e6
_BOUNDS = {
  'minimum': 'at least',
  'exclusiveMinimum': 'more than',
  'maximum': 'at most',
  'exclusiveMaximum': 'less than',
}


def on_page_markdown(markdown: str, **_: Any) -> str:
  """Returns the page with its tables."""
  return _WANTED.sub(lambda found: _table(*found.groups()), markdown)


def _table(own: str, module: str, name: str) -> str:
  """Returns the Markdown table of a dataclass's fields, but for those of fields."""
  kind = getattr(importlib.import_module(module), name)
  aside = {f.name for f in dataclasses.fields(kind.__base__)} if own else ()
  hints = typing.get_type_hints(kind, include_extras=True)
  rows = ['| setting, default | meaning |', '|---|---|']
  for field in dataclasses.fields(kind):
    default = _default(field)
    if not dataclasses.is_dataclass(default) and field.name not in aside:
      meaning = f'{_docstring(kind, field.name)} {_values(hints[field.name])}'
      rows.append(f'| `{field.name}`<br>{_shown(default)} | {meaning} |')
  return '\n'.join(rows)


def _default(field: dataclasses.Field[Any]) -> Any:
  """Returns what a field holds by default; MISSING if it has to be given."""
  if field.default_factory is not dataclasses.MISSING:
    return field.default_factory()
  return field.default


def _shown(default: Any) -> str:
  """Returns a default as YAML and command line have it."""
  if default is dataclasses.MISSING:
    return 'required'
  if isinstance(default, tuple):
    return ', '.join(_shown(getattr(each, 'family', each)) for each in default) or '-'
  if default == '':
    return '-'
  return f'`{str(default).lower() if isinstance(default, bool) else default}`'


def _docstring(kind: type, name: str) -> str:
  """Returns the string below a field, in its class or the first base that has it."""
  for base in kind.__mro__[:-1]:  # All but `object`.
    found = _source(base.__module__).members[base.__name__].members.get(name)
    if found and found.docstring:
      return ' '.join(found.docstring.value.split())
  raise ValueError(f'{kind.__name__}.{name} has no docstring')


@functools.cache
def _source(module: str) -> griffe.Module:
  """Returns what stands in a module's file, where docstrings of fields are."""
  path = pathlib.Path(importlib.import_module(module).__file__ or '')
  return griffe.visit(module, path, path.read_text())


def _values(hint: Any) -> str:
  """Returns what a field may hold, as far as its type limits that."""
  schema = pydantic.TypeAdapter(hint).json_schema()
  schema = schema.get('items', schema)
  if 'enum' in schema:
    return ' or '.join(f'`{value}`' for value in schema['enum']) + '.'
  bounds = [
    f'{word} {schema[name]:,g}'
    for name, word in _BOUNDS.items()
    if name in schema and abs(schema[name]) < _HUGE
  ]
  return ' and '.join(bounds).capitalize() + '.' if bounds else ''
