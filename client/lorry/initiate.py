"""What a new job is asked for: which files, and whether in archives."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

Layout = Literal["flat", "tree"]
OnMissing = Literal["skip", "fail"]


@dataclass(frozen=True)
class ArchiveOptions:
    """How the ZIP of a job is made.

    `filename` is what browsers save it as (None: the service's choice). `layout` puts every file at the top
    ("flat") or keeps the folders of the keys ("tree"). `on_missing` leaves out files that are not there ("skip"),
    or fails the job for the first of them ("fail").
    """

    filename: str | None = None
    layout: Layout = "flat"
    on_missing: OnMissing = "skip"

    def as_json(self) -> dict[str, str]:
        """The `archive` of a request."""
        named = {} if self.filename is None else {"filename": self.filename}
        return named | {"layout": self.layout, "onMissing": self.on_missing}


def initiate_body(
    *,
    file_ids: Sequence[int] | None,
    keys: Sequence[str] | None,
    prefix: str | None,
    archive: bool | ArchiveOptions,
    callback_url: str | None = None,
) -> dict[str, Any]:
    """The body of initiate. Raises ValueError unless exactly one of `file_ids`, `keys` and `prefix` is given."""
    named: dict[str, Any] = {
        "file_ids": None if file_ids is None else list(file_ids),
        "keys": None if keys is None else list(keys),
        "prefix": prefix,
    }
    given = {name: value for name, value in named.items() if value is not None}
    if len(given) != 1:
        raise ValueError(f"exactly one of file_ids, keys and prefix is needed, not {', '.join(given) or 'none'}")
    wanted = archive.as_json() if isinstance(archive, ArchiveOptions) else archive
    return given | ({"archive": wanted} if wanted else {}) | ({"callbackUrl": callback_url} if callback_url else {})
