"""The environment as it is meant: without what editors, and secrets made of files, leave at the ends of a value."""

from __future__ import annotations

import re
from collections.abc import Collection, MutableMapping
from typing import Final

_BLANKS: Final = " \t\r\n\v\f\0\u00a0\u200b\ufeff"
_OF_OTHERS: Final = re.compile(r"(KEY|TOKEN|SECRET|PASSWORD|CREDENTIALS|URL|URI|BASE|ENDPOINT|TARGET)$")


def trimmed(environ: MutableMapping[str, str], ours: Collection[str] = ()) -> tuple[str, ...]:
    """Takes what editors and secrets made of files leave (blanks, line breaks, byte order marks) off both ends of our own variables
    and of whatever else is a credential or an address, as packages of others read them; the names of those that had some."""
    meant = {
        name: environ[name].strip(_BLANKS) for name in environ if name in ours or _OF_OTHERS.search(name)
    }
    changed = {name: value for name, value in meant.items() if value != environ[name]}
    environ.update(changed)
    return tuple(sorted(changed))
