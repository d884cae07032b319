"""Where the CRC-32s of copied bodies come from: decided once per generation, before anything is written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from msgspec.structs import replace

from chalicelib.archive.archives import ArchivePlan
from chalicelib.archive.waiting import crc_needs
from chalicelib.assembly.builder import joined_crc
from chalicelib.assembly.model import Archive, BodyCrc, CrcSource, Phase
from chalicelib.assembly.ports import ArchiveStore, AssemblyTable
from chalicelib.assembly.tasks import Range
from chalicelib.checking.ports import SourceStore
from chalicelib.errors import LorryError
from chalicelib.jobs.files import CheckedFile

CAPABILITY = "copies-tell-crc32"
CAPABILITY_SECONDS = 3_600
LOOKUPS = 16
CRC_SECONDS = 30 * 86_400


@dataclass(frozen=True, slots=True)
class Checksums:
    """`wanted` is auto, copy, head or read; `now()` epoch seconds; `store_name` tells stores apart in what is kept."""

    table: AssemblyTable
    store: ArchiveStore
    source: SourceStore
    now: Callable[[], int]
    wanted: str
    store_name: str

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

    def trusted(self, files: Sequence[CheckedFile]) -> list[CheckedFile]:
        """The files with the CRC-32s that may be used: none from the store where everything is to be read."""
        if self.wanted != "read":
            return list(files)
        return [(file, replace(result, crc32=None)) for file, result in files]

    def remembered(self, bodies: Sequence[Range]) -> dict[str, int]:
        """CRC-32s by key of those bodies that were read before, or whose parts' checksums the store tells."""
        names = {self._name(body): body for body in bodies}
        kept = self.table.recall(list(names), now=self.now())
        crcs = {names[name].key: int(value) for name, value in kept.items()}
        if self.wanted == "read":
            return crcs
        unknown = [body for body in bodies if body.key not in crcs and "-" in body.etag]
        with ThreadPoolExecutor(LOOKUPS) as pool:
            told = list(pool.map(self._from_parts, unknown))
        found = {body.key: crc for body, crc in zip(unknown, told, strict=True) if crc is not None}
        self.remember(unknown, found)
        return crcs | found

    def remember(self, bodies: Sequence[Range], crcs: Mapping[str, int]) -> None:
        values = {self._name(body): str(crcs[body.key]) for body in bodies if body.key in crcs}
        self.table.remember(values, until=self.now() + CRC_SECONDS)

    def read_crcs(self, reads: Archive, bodies: Sequence[Range]) -> dict[str, int]:
        """CRC-32s by key from the receipts of a finished reading."""
        found: dict[int, list[BodyCrc]] = {}
        for receipt in self.table.receipts(reads, Phase.CHECKSUM):
            for crc in receipt.crcs:
                found.setdefault(crc.entry, []).append(crc)
        return {body.key: joined_crc(n, body.size, found.get(n, [])) for n, body in enumerate(bodies)}

    def _from_parts(self, body: Range) -> int | None:
        """Combined from the checksums of the parts that the object was uploaded in; None where nobody tells them."""
        try:
            return self.source.combined_crc32(body.key, body.etag)
        except LorryError:
            return None

    def _name(self, body: Range) -> str:
        return "crc32:" + hashlib.sha256(f"{self.store_name}\n{body.key}\n{body.etag}".encode()).hexdigest()


def bodies_to_know(plans: Sequence[ArchivePlan]) -> list[Range]:
    """Each copied body whose CRC-32 nobody knows, whole; `entry` is its place in this list."""
    needs = [(plan, need.entry) for plan in plans for need in crc_needs(plan.plan)]
    bodies = [plan.layout.entries[number] for plan, number in needs]
    return [Range(n, entry.key or "", entry.etag or "", 0, entry.size) for n, entry in enumerate(bodies)]


def crc_source(copies_tell: bool, unknown: Sequence[Range]) -> CrcSource:
    if copies_tell:
        return CrcSource.COPY
    return CrcSource.READ if unknown else CrcSource.HEAD
