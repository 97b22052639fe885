"""Where inline code may break on a narrow screen: between its words, not after hyphens.

MkDocs calls `on_page_content`, as mkdocs.yml asks. The style has inline code break at
`<wbr>` alone: an option that is cut after a hyphen reads as two.
"""

import re
from typing import Any

# Blocks of code scroll, so they are passed over.
_CODE = re.compile(r'<pre.*?</pre>|<code([^>]*)>([^<]*)</code>', re.S)
# What is no longer than this fits on a line of a phone, and in most columns.
_SHORT = 20
_AFTER = re.compile(r'(?<=[\s/=:,])')


def on_page_content(html: str, **_: Any) -> str:
  """Returns the page with places to break in its long inline code."""
  return _CODE.sub(_with_breaks, html)


def _with_breaks(found: re.Match[str]) -> str:
  attributes, code = found.groups()
  if code is None or len(code) <= _SHORT:
    return found[0]
  return f'<code{attributes}>{_AFTER.sub("<wbr>", code)}</code>'
