"""Builds one chunk: copies ranges, puts literal parts together, and reports what it found on the way."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import msgspec

from chalicelib.archive.parts import (
    ARCHIVE_UPLOAD,
    Body,
    Bundle,
    CompleteUpload,
    Copy,
    CopyObject,
    Gather,
    Header,
    Literal,
    Read,
    Source,
)
from chalicelib.archive.records import Member, local_header
from chalicelib.assembly.checksums import Checksums, Version, crc_of_parts, joined_crc, required_crc
from chalicelib.assembly.model import Archive, BodyCrc, CrcSource, PartReceipt, Phase, Receipt
from chalicelib.assembly.plans import PlanReader
from chalicelib.assembly.ports import ArchiveStore, AssemblyTable, Executors
from chalicelib.errors import SourceChanged, UploadGone

COPIES_IN_FLIGHT = 4
OTHER_CRC = "its bytes have another CRC-32 than the store reported"


class Findings(msgspec.Struct):
    """What building has found out: CRC-32s of ranges, and those of whole objects that were read for them."""

    crcs: list[BodyCrc] = msgspec.field(default_factory=list)
    objects: dict[Version, int] = msgspec.field(default_factory=dict)


class ChunkBuilder(msgspec.Struct, frozen=True):
    store: ArchiveStore
    table: AssemblyTable
    plans: PlanReader
    checksums: Checksums
    executors: Executors

    def build(self, archive: Archive, chunk: int) -> Receipt:
        """Do a chunk of the archive's phase. Doing it twice gives the same parts.

        Raises SourceChanged, StorageError, UploadGone and UnknownFormat.
        """
        tasks = self.plans.chunk(archive, archive.phase, chunk)
        findings = Findings()
        parts = self._copy_all(archive, [task for task in tasks if isinstance(task, Copy)], findings)
        done = sum(part.size for part in parts)
        for task in tasks:
            match task:
                case Literal():
                    parts.append(self._literal(archive, task, findings))
                    done += task.size
                case Gather():
                    self.store.put(task.key, self.rendered(archive, task.size, task.sources, findings))
                case Read():
                    findings.crcs.append(self.store.crc_of(task.body))
                    done += task.body.size
                case CompleteUpload():
                    self._complete(archive, task.upload)
                case CopyObject():
                    parts.append(self._join(archive, task))
        self.checksums.remember(findings.objects)
        return Receipt(tuple(parts), tuple(findings.crcs), done)

    def rendered(self, archive: Archive, size: int, sources: Sequence[Source], findings: Findings) -> bytearray:
        """The bytes of sources, `size` in all."""
        rendered = bytearray(size)
        contents = self.store.read_many([source for source in sources if isinstance(source, Body)])
        offset = 0
        for source, following in pairwise((*sources, None)):
            match source:
                case Header():
                    body = following if isinstance(following, Body) else None
                    content = next(contents) if body else b""
                    piece = self._header(archive, source, body, content, findings) + content
                case Bundle():
                    piece = self.store.get(source.key)
                case _:
                    continue  # a body was written with its header
            rendered[offset : offset + len(piece)] = piece
            offset += len(piece)
        if offset != size:
            raise AssertionError(f"a part of {size} bytes came to {offset}")
        return rendered

    # --- parts

    def _copy_all(self, archive: Archive, copies: Sequence[Copy], findings: Findings) -> list[PartReceipt]:
        if not copies:
            return []
        with self.executors(COPIES_IN_FLIGHT) as executor:
            parts = list(executor.map(lambda copy: self._copy(archive, copy), copies))
        for copy, part in zip(copies, parts, strict=True):
            if part.crc32 is not None:
                findings.crcs.append(BodyCrc(copy.body.entry, copy.body.start, copy.body.size, part.crc32))
        return parts

    def _copy(self, archive: Archive, copy: Copy) -> PartReceipt:
        upload = self.plans.upload(archive, copy.upload)
        etag, crc = self.store.copy_part(upload, copy.number, copy.body)
        if archive.verified:
            crc = required_crc(copy.body.key, crc)
        return PartReceipt(copy.upload, copy.number, etag, copy.size, crc)

    def _join(self, archive: Archive, join: CopyObject) -> PartReceipt:
        key = self.plans.upload(archive, join.upload).key
        etag, crc = self.store.copy_object(archive.upload, join.number, key, start=join.start, size=join.size)
        if archive.verified:
            crc = required_crc(key, crc)
        return PartReceipt(ARCHIVE_UPLOAD, join.number, etag, join.size, crc)

    def _literal(self, archive: Archive, part: Literal, findings: Findings) -> PartReceipt:
        body = self.rendered(archive, part.size, part.sources, findings)
        return self.upload(archive, part.upload, part.number, body)

    def upload(self, archive: Archive, upload: int, number: int, body: bytearray) -> PartReceipt:
        """Upload a part that is put together."""
        crc = zlib.crc32(body)
        place = self.plans.upload(archive, upload)
        etag = self.store.upload_part(place, number, body, crc32=crc if archive.verified else None)
        return PartReceipt(upload, number, etag, len(body), crc)

    def _complete(self, archive: Archive, number: int) -> None:
        """Complete the upload of an intermediate object; one that is complete already is fine."""
        upload = self.plans.upload(archive, number)
        parts = self.parts_of(archive, number, (Phase.BODY, Phase.HEADERS))
        size = sum(part.size for part in parts)
        crc = crc_of_parts(upload.key, parts) if archive.verified else None
        try:
            self.store.complete(upload, parts, size=size, crc32=crc)
        except UploadGone:
            if self.store.size_of(upload.key) != size:
                raise

    def parts_of(self, archive: Archive, upload: int, phases: Iterable[Phase]) -> list[PartReceipt]:
        """The parts of an upload that chunks of these phases recorded, by number."""
        receipts = (receipt for phase in phases for _, receipt in self.table.receipts(archive, phase))
        parts = [part for receipt in receipts for part in receipt.parts if part.upload == upload]
        return sorted(parts, key=lambda part: part.number)

    # --- headers

    def _header(self, archive: Archive, header: Header, body: Body | None, content: bytes, findings: Findings) -> bytes:
        """The local header of a member, given the first bytes of its body as far as they are in the same part."""
        own = BodyCrc(header.entry, 0, len(content), zlib.crc32(content))
        if body is not None:
            findings.crcs.append(own)
            if header.crc32 is not None and own.size == header.size and own.crc32 != header.crc32:
                raise SourceChanged(body.key, OTHER_CRC, header.entry)
        crc = self._joined(archive, header, own, findings) if header.crc32 is None else header.crc32
        return local_header(Member(header.name, header.size, header.modified, header.timestamp), crc)

    def _joined(self, archive: Archive, header: Header, own: BodyCrc, findings: Findings) -> int:
        """The CRC-32 of a body from its first bytes and the copies of the rest, or from what was read of it."""
        if not header.chunks:
            return joined_crc(header.entry, header.size, [own])
        if archive.crc_source is not CrcSource.READ:
            return joined_crc(header.entry, header.size, [own, *self._recorded(archive, Phase.BODY, header)])
        crc = joined_crc(header.entry, header.size, self._recorded(archive, Phase.CHECKSUM, header))
        findings.objects[header.key, header.etag] = crc
        return crc

    def _recorded(self, archive: Archive, phase: Phase, header: Header) -> Iterator[BodyCrc]:
        for _, receipt in self.table.receipts(archive, phase, header.chunks):
            yield from (crc for crc in receipt.crcs if crc.entry == header.entry)
