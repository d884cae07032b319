"""What the pages of the API have in common: files that ship with it, and a policy for what a page may load."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from importlib.resources import files
from urllib.parse import urlsplit


@functools.cache
def shipped(package: str, path: str) -> str:
    """Returns a text file of a package."""
    return files(package).joinpath(path).read_text(encoding="utf-8")


def path_of_base(base: str) -> str:
    """Returns the path before the routes: pages read under another name of the service still find their files."""
    return urlsplit(base).path


def content_security_policy(base: str, *, connect: Iterable[str] = ()) -> str:
    """Returns a policy without inline scripts and with nothing from elsewhere; scripts set styles.

    A page read under another name of the service must still reach the address that answers name. `connect` are
    further URLs whose origins scripts may call.
    """
    reached = [origin for url in (base, *connect) if (origin := origin_of(url))]
    directives = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self' data:",
        "connect-src": " ".join(dict.fromkeys(("'self'", *reached))),
        "base-uri": "'none'",
        "form-action": "'none'",
        "frame-ancestors": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in directives.items())


def origin_of(url: str) -> str:
    """Returns the scheme, host and port of a URL; an empty text for a mere path."""
    address = urlsplit(url)
    return f"{address.scheme}://{address.netloc.rpartition('@')[2]}" if address.netloc else ""
