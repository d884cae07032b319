"""What goes into an archive: the requested files with what is known of them, and the entries made of them."""

from __future__ import annotations

from dataclasses import dataclass

INCLUDED = "included"  # the state of a file that is in the archive; any other state means that it is not


@dataclass(frozen=True, slots=True)
class RequestedFile:
    """One requested file and what became of it: a row of the manifest, and an entry if `state` is `INCLUDED`.

    `index` is its place in the request (0-based), `size` is bytes, `modified` Unix seconds, `reason` the code that
    says why it is not included. An included file has a size and a pinned ETag.
    """

    index: int
    key: str
    file_id: int | None = None
    state: str = INCLUDED
    reason: str | None = None
    size: int | None = None
    etag: str | None = None
    modified: int = 0
    crc32: int | None = None

    @property
    def included(self) -> bool:
        return self.state == INCLUDED


@dataclass(frozen=True, slots=True)
class Entry:
    """One member of the archive. `key` is None where the body is generated (the manifest).

    `size` is bytes, `modified` Unix seconds (UTC), `etag` the version of the source that the plan was made for,
    `crc32` None until somebody has learnt it.
    """

    name: str
    size: int
    modified: int = 0
    key: str | None = None
    etag: str | None = None
    crc32: int | None = None

    def to_json(self) -> list[str | int | None]:
        return [self.name, self.size, self.modified, self.key, self.etag, self.crc32]

    @classmethod
    def from_json(cls, row: list[str | int | None]) -> Entry:
        """The inverse of `to_json`."""
        name, size, modified, key, etag, crc32 = row
        return cls(name, size, modified, key, etag, crc32)  # type: ignore[arg-type]


def entry_for(file: RequestedFile, name: str) -> Entry:
    """The entry of an included file under the name that `names` gave it."""
    if file.size is None:
        raise ValueError(f"{file.key!r} is included but its size is unknown")
    return Entry(name, file.size, file.modified, file.key, file.etag, file.crc32)
