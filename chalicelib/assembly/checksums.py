"""Where the CRC-32s of copied bodies come from: decided for each archive, before anything of it is written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from chalicelib.archive.parts import Body
from chalicelib.archive.records import crc32_concat
from chalicelib.assembly.model import BodyCrc, PartReceipt
from chalicelib.assembly.ports import ArchiveStore, AssemblyTable, Executors
from chalicelib.errors import ChecksumsMissing, LorryError
from chalicelib.jobs.ports import SourceStore

CAPABILITY = "copies-tell-crc32"
CAPABILITY_SECONDS = 3_600
LOOKUPS = 16
CRC_SECONDS = 30 * 86_400

Version = tuple[str, str]  # key and ETag of an object


class Checksums(msgspec.Struct, frozen=True):
    """`wanted` is auto, copy, head or read, `now()` epoch seconds; facts are remembered under `store_name`."""

    table: AssemblyTable
    store: ArchiveStore
    source: SourceStore
    executors: Executors
    now: Callable[[], int]
    wanted: str
    store_name: str

    @property
    def trusts_store(self) -> bool:
        """Whether CRC-32s that the store knows of whole objects are used; else everything is read."""
        return self.wanted != "read"

    def copies_tell(self) -> bool:
        """Whether this upload takes CRC-32s from its copies (and so is verified as a whole when it is completed)."""
        if self.wanted != "auto":
            return self.wanted == "copy"
        name = f"{CAPABILITY}:{self.store_name}"
        known = self.table.recall([name], now=self.now()).get(name)
        if known is None:
            known = "yes" if self.store.probe_copy_checksums() else "no"
            self.table.remember({name: known}, until=self.now() + CAPABILITY_SECONDS)
        return known == "yes"

    def known(self, bodies: Sequence[Body]) -> dict[int, int]:
        """CRC-32s by member of those bodies that were read before, or whose parts' checksums the store knows."""
        names = {self._name((body.key, body.etag)): body.entry for body in bodies}
        kept = self.table.recall(list(names), now=self.now())
        crcs = {names[name]: int(value) for name, value in kept.items()}
        unknown = [body for body in bodies if body.entry not in crcs and "-" in body.etag]
        if not self.trusts_store or not unknown:
            return crcs
        with self.executors(LOOKUPS) as executor:
            combined = list(executor.map(self._from_parts, unknown))
        found = {body: crc for body, crc in zip(unknown, combined, strict=True) if crc is not None}
        self.remember({(body.key, body.etag): crc for body, crc in found.items()})
        return crcs | {body.entry: crc for body, crc in found.items()}

    def remember(self, crcs: Mapping[Version, int]) -> None:
        """Keep the CRC-32s of whole objects for later archives."""
        if crcs:
            values = {self._name(version): str(crc) for version, crc in crcs.items()}
            self.table.remember(values, until=self.now() + CRC_SECONDS)

    def _from_parts(self, body: Body) -> int | None:
        """Combined from the checksums of the object's own parts; None where the store does not know them."""
        try:
            return self.source.combined_crc32(body.key, body.etag)
        except LorryError:
            return None

    def _name(self, version: Version) -> str:
        key, etag = version
        return "crc32:" + hashlib.sha256(f"{self.store_name}\n{key}\n{etag}".encode()).hexdigest()


def joined_crc(entry: int, size: int, *, crcs: Iterable[BodyCrc]) -> int:
    """The CRC-32 of a body from those of its ranges. AssertionError if they do not tile it."""
    end, pieces = 0, []
    for crc in sorted({crc for crc in crcs if crc.size}, key=lambda crc: crc.start):
        if crc.start != end:
            break
        end += crc.size
        pieces.append((crc.crc32, crc.size))
    if end != size:
        raise AssertionError(f"CRC-32s of member {entry} reach byte {end} of {size}")
    return crc32_concat(pieces)


def crc_of_parts(key: str, parts: Iterable[PartReceipt]) -> int:
    """The CRC-32 of an upload whose store verifies it. Raises ChecksumsMissing if that of a part is not known."""
    pieces = [(required_crc(key, part.crc32), part.size) for part in parts]
    return crc32_concat(pieces)


def required_crc(key: str, crc32: int | None) -> int:
    """The CRC-32 that a store must return for a part. Raises ChecksumsMissing if it does not."""
    if crc32 is None:
        raise ChecksumsMissing(key, "the answer of a copy has no CRC-32; set CRC_SOURCE to auto, head or read")
    return crc32
