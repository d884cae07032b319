"""Content-Disposition for any file name: RFC 6266, with the ASCII fallback and the UTF-8 form of RFC 8187."""

from __future__ import annotations

import unicodedata
from urllib.parse import quote

_ATTR_CHAR = "!#$&+-.^_`|~"  # RFC 8187, 3.2.1, besides letters and digits


def attachment(filename: str) -> str:
    """The header's value that makes a browser save under `filename`."""
    plain = unicodedata.normalize("NFKD", filename).encode("ascii", "ignore").decode()
    safe = "".join("_" if character in '"\\%;' or not character.isprintable() else character for character in plain)
    if safe == filename:
        return f'attachment; filename="{filename}"'
    return f"attachment; filename=\"{safe or 'download'}\"; filename*=UTF-8''{quote(filename, safe=_ATTR_CHAR)}"
