"""Builds one chunk: copies ranges, puts literal parts together, and says what it learnt on the way."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from chalicelib.archive.crc32 import crc32_concat
from chalicelib.archive.entries import Entry
from chalicelib.archive.layout import render_header
from chalicelib.assembly.model import Archive, BodyCrc, PartReceipt, Phase, Receipt
from chalicelib.assembly.ports import ArchiveStore, AssemblyTable
from chalicelib.assembly.tasks import (
    BodyPiece,
    Chunk,
    CloseTask,
    CopyTask,
    GatherTask,
    HeaderPiece,
    LiteralTask,
    Piece,
    ReadTask,
    RunPiece,
    StagedTask,
    decode_chunk,
)
from chalicelib.errors import ChecksumsMissing, SourceChanged, UploadGone

COPIES_IN_FLIGHT = 4
OTHER_CRC = "its bytes have another CRC-32 than the store told"


def chunk_key(archive: Archive, phase: Phase, chunk: int) -> str:
    """Where a planned chunk lies."""
    return f"{archive.staging}{phase}-{chunk:05d}.json"


@dataclass(slots=True)
class _Learnt:
    parts: list[PartReceipt] = field(default_factory=list)
    crcs: list[BodyCrc] = field(default_factory=list)
    size: int = 0


@dataclass(frozen=True, slots=True)
class ChunkBuilder:
    store: ArchiveStore
    table: AssemblyTable

    def build(self, archive: Archive, phase: Phase, number: int) -> tuple[Receipt, int]:
        """Do the chunk's work. The receipt, and the bytes of the archive that it made.

        Raises SourceChanged, StorageError and UploadGone. Doing it twice gives the same parts.
        """
        chunk = decode_chunk(self.store.get(chunk_key(archive, phase, number)))
        learnt = _Learnt()
        for receipt, crc in self._copied(archive, chunk):
            learnt.parts.append(receipt)
            learnt.crcs += crc
            learnt.size += receipt.size
        for task in chunk:
            if isinstance(task, LiteralTask):
                learnt.parts.append(self._literal(archive, task, learnt))
                learnt.size += task.size
            elif isinstance(task, GatherTask):
                self.store.put(task.key, bytes(self._rendered(archive, task.size, task.pieces, learnt)))
            elif isinstance(task, ReadTask):
                learnt.crcs.append(self.store.crc_of(task.range))
                learnt.size += task.range.size
            elif isinstance(task, CloseTask):
                self._close(archive, task.upload)
            elif isinstance(task, StagedTask):
                learnt.parts.append(self._staged(archive, task))
        return Receipt(tuple(learnt.parts), tuple(learnt.crcs)), learnt.size

    def part_body(self, archive: Archive, size: int, pieces: Sequence[Piece]) -> tuple[bytearray, list[BodyCrc]]:
        """`size` bytes put together from pieces, and the CRC-32s of the bodies among them."""
        learnt = _Learnt()
        return self._rendered(archive, size, pieces, learnt), learnt.crcs

    def _copied(self, archive: Archive, chunk: Chunk) -> Iterator[tuple[PartReceipt, list[BodyCrc]]]:
        tasks = [task for task in chunk if isinstance(task, CopyTask)]
        if not tasks:
            return
        with ThreadPoolExecutor(COPIES_IN_FLIGHT) as pool:
            yield from pool.map(lambda task: self._copy(archive, task), tasks)

    def _copy(self, archive: Archive, task: CopyTask) -> tuple[PartReceipt, list[BodyCrc]]:
        source = task.range
        etag, crc = self.store.copy_part(archive.uploads[task.upload], task.number, source)
        if archive.verified and crc is None:
            raise ChecksumsMissing(
                source.key, "the answer of a copy has no CRC-32; set CRC_SOURCE to auto, head or read"
            )
        crcs = [BodyCrc(source.entry, source.start, source.size, crc)] if crc is not None else []
        return PartReceipt(task.upload, task.number, etag, source.size, crc), crcs

    def _staged(self, archive: Archive, task: StagedTask) -> PartReceipt:
        source = archive.uploads[task.stage].key
        etag, crc = self.store.copy_staged(archive.uploads[0], task.number, source, start=task.start, size=task.size)
        return PartReceipt(0, task.number, etag, task.size, crc)

    def _literal(self, archive: Archive, task: LiteralTask, learnt: _Learnt) -> PartReceipt:
        body = self._rendered(archive, task.size, task.pieces, learnt)
        crc = zlib.crc32(body)
        told = crc if archive.verified else None
        etag = self.store.upload_part(archive.uploads[task.upload], task.number, body, crc32=told)
        return PartReceipt(task.upload, task.number, etag, task.size, crc)

    def _close(self, archive: Archive, number: int) -> None:
        """Complete a staging upload; one that is complete already is fine."""
        upload = archive.uploads[number]
        parts = sorted(self._parts_of(archive, number), key=lambda part: part.number)
        size = sum(part.size for part in parts)
        crc = crc32_concat((part.crc32 or 0, part.size) for part in parts) if archive.verified else None
        try:
            self.store.complete(upload, parts, size=size, crc32=crc)
        except UploadGone:
            if self.store.size_of(upload.key) != size:
                raise

    def _parts_of(self, archive: Archive, upload: int) -> list[PartReceipt]:
        phases = (Phase.BODY, Phase.HEADERS)
        receipts = (receipt for phase in phases for receipt in self.table.receipts(archive, phase))
        return [part for receipt in receipts for part in receipt.parts if part.upload == upload]

    def _rendered(self, archive: Archive, size: int, pieces: Sequence[Piece], learnt: _Learnt) -> bytearray:
        """The pieces' bytes. A header is written once the body behind it has been seen, as its CRC-32 comes last."""
        body = bytearray(size)
        reads = self.store.read_many([piece.range for piece in pieces if isinstance(piece, BodyPiece)])
        offset = 0
        header: tuple[int, HeaderPiece] | None = None
        seen: list[BodyCrc] = []
        for piece in pieces:
            if isinstance(piece, HeaderPiece):
                self._write_header(archive, body, header, seen)
                header, seen = (offset, piece), []
                offset += len(_header_bytes(piece, 0))
            elif isinstance(piece, BodyPiece):
                content = next(reads)
                body[offset : offset + len(content)] = content
                seen.append(BodyCrc(piece.range.entry, piece.range.start, len(content), zlib.crc32(content)))
                learnt.crcs.append(seen[-1])
                offset += len(content)
            else:
                offset = self._write_run(body, offset, piece)
        self._write_header(archive, body, header, seen)
        if offset != size:
            raise AssertionError(f"a part of {size} bytes came to {offset}")
        return body

    def _write_run(self, body: bytearray, offset: int, piece: RunPiece) -> int:
        body[offset : offset + piece.size] = self.store.get(piece.key)
        return offset + piece.size

    def _write_header(
        self, archive: Archive, body: bytearray, header: tuple[int, HeaderPiece] | None, seen: list[BodyCrc]
    ) -> None:
        if header is None:
            return
        offset, piece = header
        record = _header_bytes(piece, self._crc_for(archive, piece, seen))
        body[offset : offset + len(record)] = record

    def _crc_for(self, archive: Archive, piece: HeaderPiece, seen: list[BodyCrc]) -> int:
        """The CRC-32 of a header's body: known, seen here, or from the copies. A wrong known one is a change."""
        own = [crc for crc in seen if crc.entry == piece.entry]
        if piece.crc32 is not None:
            if own and own[0].size == piece.size and own[0].crc32 != piece.crc32:
                raise SourceChanged(piece.key, OTHER_CRC, entry=piece.entry)
            return piece.crc32
        return joined_crc(piece.entry, piece.size, [*own, *self._copied_crcs(archive, piece)])

    def _copied_crcs(self, archive: Archive, piece: HeaderPiece) -> list[BodyCrc]:
        if not piece.chunks:
            return []
        receipts = self.table.receipts(archive, Phase.BODY, piece.chunks)
        return [crc for receipt in receipts for crc in receipt.crcs if crc.entry == piece.entry]


def joined_crc(entry: int, size: int, crcs: Sequence[BodyCrc]) -> int:
    """The CRC-32 of a body from those of its ranges. AssertionError if they do not tile it."""
    end, pieces = 0, []
    for crc in sorted(set(crcs), key=lambda crc: crc.start):
        if crc.start != end:
            break
        end += crc.size
        pieces.append((crc.crc32, crc.size))
    if end != size:
        raise AssertionError(f"CRC-32s of entry {entry} reach byte {end} of {size}")
    return crc32_concat(pieces)


def _header_bytes(piece: HeaderPiece, crc: int) -> bytes:
    return render_header(Entry(piece.name, piece.size, piece.modified), crc)
