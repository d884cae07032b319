"""What checking needs from an object store."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

import msgspec


class StoredObject(msgspec.Struct, frozen=True):
    """An object as a HEAD describes it. Size in bytes, modified in epoch milliseconds; `etag` without quotes.

    `crc32` is the CRC-32 of the whole object where the store knows it, else None. `archived` objects (cold storage
    classes) cannot be read without being restored first.
    """

    size: int
    etag: str
    modified: int
    crc32: int | None = None
    archived: bool = False


class SourceStore(Protocol):
    """The bucket that holds the files. Only read."""

    def head(self, key: str) -> StoredObject | None:
        """The object, or None if the store says that there is none (404).

        Raises StorageUnavailable, StorageThrottled or StorageForbidden for every other answer, and for none.
        """

    def list_below(self, prefix: str) -> Iterator[tuple[str, StoredObject]]:
        """Every object whose key begins with `prefix`, in the order of the keys, as far as a listing describes it."""

    def confirm_bucket(self) -> None:
        """Raise StorageError unless the bucket is there: a HEAD cannot tell an absent key from an absent bucket."""

    def combined_crc32(self, key: str, etag: str) -> int | None:
        """The CRC-32 of this version, combined from its parts' checksums; None where the store does not tell them."""
