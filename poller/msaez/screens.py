"""The last look at wireframe HTML before a browser inserts it as it is. Sanitising happened where it was made."""

from __future__ import annotations

import re

from poller.resolved.names import plain

_UNSAFE = re.compile(
    r"<\s*(?:script|iframe|object|embed|link|meta|base|form\s[^>]*action)\b"
    r"|<[^>]*\son[a-z]+\s*="
    r"|javascript\s*:"
    r"|@import|url\s*\(",
    re.IGNORECASE,
)


def is_safe(html: str) -> bool:
    """No script, handler, script link or external resource."""
    return _UNSAFE.search(html) is None


def shown_html(html: str) -> str:
    """The fragment, or nothing if it could run or load anything."""
    return plain(html) if is_safe(html) else ""
