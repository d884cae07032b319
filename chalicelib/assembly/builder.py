"""Builds one chunk: copies ranges, puts literal parts together, and reports what it found on the way.

A worker that is stopped by its time or by the store keeps what it has done of the chunk; the next one does the rest.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import suppress
from itertools import pairwise

import msgspec

from chalicelib.archive.encoding import decode, encode
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
    Task,
)
from chalicelib.archive.records import Member, local_header
from chalicelib.assembly.checksums import Checksums, Version, crc_of_parts, joined_crc, required_crc
from chalicelib.assembly.model import Archive, BodyCrc, CrcSource, MultipartUpload, PartReceipt, Phase, Receipt
from chalicelib.assembly.plans import PlanReader
from chalicelib.assembly.ports import ArchiveStore, AssemblyTable, Executors, SecondsLeft
from chalicelib.errors import OutOfTime, SourceChanged, StorageError, UnknownFormat, UploadGone, UploadPending

COPIES_IN_FLIGHT = 4
RESERVE_SECONDS = 75.0  # of an invocation: one request to the store, and what follows if it is not answered
COMPLETING_SECONDS = 60.0  # of an invocation that the store is waited for to complete an upload
COMPLETING_RESERVE = 15.0
LONGEST_COMPLETION_MS = 15 * 60_000  # an upload that is gone for longer was not completed
OTHER_CRC = "its bytes have another CRC-32 than the store reported"


class Findings(msgspec.Struct):
    """What building has found out: CRC-32s of ranges, and those of whole objects that were read for them."""

    crcs: list[BodyCrc] = msgspec.field(default_factory=list)
    objects: dict[Version, int] = msgspec.field(default_factory=dict)


class Partial(msgspec.Struct, frozen=True, tag_field="v", tag=1):
    """What a worker did of a chunk: what each task left behind, by its place among them."""

    done: dict[int, Receipt]


class ChunkBuilder(msgspec.Struct, frozen=True):
    """`now()` is epoch milliseconds."""

    store: ArchiveStore
    table: AssemblyTable
    plans: PlanReader
    checksums: Checksums
    executors: Executors
    now: Callable[[], int]

    def build(self, archive: Archive, chunk: int, *, seconds_left: SecondsLeft, resume: bool) -> Receipt:
        """Do a chunk of the archive's phase. Doing it twice gives the same parts.

        With `resume`, what another worker has left is not done again. Raises SourceChanged, StorageError, UploadGone
        and UnknownFormat.
        """
        tasks = self.plans.chunk(archive, archive.phase, number=chunk)
        place = f"{_place(archive)}/partial-{archive.phase}-{chunk}"
        done = self._left(place) if resume else {}
        before = len(done)
        objects: dict[Version, int] = {}
        try:
            self._do_all(archive, tasks, done=done, objects=objects, seconds_left=seconds_left)
        except StorageError as error:
            self.checksums.remember(objects)
            if error.outage and len(done) > before:
                with suppress(StorageError):
                    self.store.put(place, encode(Partial(done)))
            raise
        self.checksums.remember(objects)
        receipts = [done[number] for number in range(len(tasks))]
        parts = tuple(part for receipt in receipts for part in receipt.parts)
        crcs = tuple(crc for receipt in receipts for crc in receipt.crcs)
        return Receipt(parts, crcs, sum(receipt.done for receipt in receipts))

    def _left(self, place: str) -> dict[int, Receipt]:
        """What another worker has done of a chunk."""
        stored = self.store.find(place)
        try:
            return decode(stored, Partial).done if stored else {}
        except UnknownFormat:
            return {}

    def _do_all(
        self,
        archive: Archive,
        tasks: Sequence[Task],
        *,
        done: dict[int, Receipt],
        objects: dict[Version, int],
        seconds_left: SecondsLeft,
    ) -> None:
        """Do what is not done, the copies side by side, and note it in `done`."""

        def do(number: int) -> None:
            if seconds_left() < RESERVE_SECONDS:
                raise OutOfTime(archive.key, f"{len(done)} of {len(tasks)} tasks of a chunk are done")
            findings = Findings(objects=objects)
            done[number] = self._do(archive, tasks[number], findings=findings, seconds_left=seconds_left)

        left = [number for number in range(len(tasks)) if number not in done]
        copies = [number for number in left if isinstance(tasks[number], Copy)]
        if copies:
            with self.executors(COPIES_IN_FLIGHT) as executor:
                _await([executor.submit(do, number) for number in copies])
        for number in left:
            if number not in done:
                do(number)

    def _do(self, archive: Archive, task: Task, *, findings: Findings, seconds_left: SecondsLeft) -> Receipt:
        part: PartReceipt | None = None
        size = 0
        match task:
            case Copy():
                part = self._copy(archive, task, findings=findings)
            case Literal():
                part = self._literal(archive, task, findings=findings)
            case Gather():
                self.store.put(task.key, self.rendered(archive, task.size, sources=task.sources, findings=findings))
            case Read():
                findings.crcs.append(self.store.crc_of(task.body))
                size = task.body.size
            case CompleteUpload():
                self._complete(archive, task.upload, seconds_left=seconds_left)
            case CopyObject():
                return Receipt((self._join(archive, task),))
        return Receipt((part,) if part else (), tuple(findings.crcs), part.size if part else size)

    def rendered(self, archive: Archive, size: int, *, sources: Sequence[Source], findings: Findings) -> bytearray:
        """The bytes of sources, `size` in all."""
        rendered = bytearray(size)
        contents = self.store.read_many([source for source in sources if isinstance(source, Body)])
        offset = 0
        for source, following in pairwise((*sources, None)):
            match source:
                case Header():
                    body = following if isinstance(following, Body) else None
                    content = next(contents) if body else b""
                    piece = self._header(archive, source, body=body, content=content, findings=findings) + content
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

    def _copy(self, archive: Archive, copy: Copy, *, findings: Findings) -> PartReceipt:
        upload = self.plans.upload(archive, copy.upload)
        etag, crc = self.store.copy_part(upload, copy.number, body=copy.body)
        if archive.verified:
            crc = required_crc(copy.body.key, crc)
        if crc is not None:
            findings.crcs.append(BodyCrc(copy.body.entry, copy.body.start, copy.body.size, crc))
        return PartReceipt(copy.upload, copy.number, etag, copy.size, crc)

    def _join(self, archive: Archive, join: CopyObject) -> PartReceipt:
        key = self.plans.upload(archive, join.upload).key
        etag, crc = self.store.copy_object(archive.upload, join.number, key=key, start=join.start, size=join.size)
        if archive.verified:
            crc = required_crc(key, crc)
        return PartReceipt(ARCHIVE_UPLOAD, join.number, etag, join.size, crc)

    def _literal(self, archive: Archive, part: Literal, *, findings: Findings) -> PartReceipt:
        body = self.rendered(archive, part.size, sources=part.sources, findings=findings)
        return self.upload(archive, part.upload, number=part.number, body=body)

    def upload(self, archive: Archive, upload: int, *, number: int, body: bytearray) -> PartReceipt:
        """Upload a part that is put together."""
        crc = zlib.crc32(body)
        place = self.plans.upload(archive, upload)
        etag = self.store.upload_part(place, number, body=body, crc32=crc if archive.verified else None)
        return PartReceipt(upload, number, etag, len(body), crc)

    def _complete(self, archive: Archive, number: int, *, seconds_left: SecondsLeft) -> None:
        """Complete the upload of an intermediate object."""
        upload = self.plans.upload(archive, number)
        parts = self.parts_of(archive, number, phases=(Phase.BODY, Phase.HEADERS))
        size = sum(part.size for part in parts)
        self.completed(archive, upload, size=size, parts=lambda: parts, seconds_left=seconds_left)

    def completed(
        self,
        archive: Archive,
        upload: MultipartUpload,
        *,
        size: int,
        parts: Callable[[], Sequence[PartReceipt]],
        seconds_left: SecondsLeft,
    ) -> None:
        """Complete an upload of `size` bytes whose last parts `parts` may upload. One that is complete is fine.

        The store may take minutes for it, more than this worker has. Raises UploadPending then: the object is there
        when the message comes again. Until it is, the upload seems to be gone. Raises UploadGone if no worker has asked
        for its completion lately, or the store refused it.
        """
        if self.store.size_of(upload.key) == size:
            return
        asked = archive.completing_at
        try:
            complete = parts()
            if not asked:
                self.table.begin_completing(archive, now=self.now())
            self._ask_to_complete(archive, upload, parts=complete, seconds_left=seconds_left)
        except UploadGone as error:
            if self.store.size_of(upload.key) == size:
                return  # another worker was quicker
            if not error.refused and self.now() - asked < LONGEST_COMPLETION_MS:
                raise UploadPending(upload.key, error.cause) from error
            raise

    def _ask_to_complete(
        self, archive: Archive, upload: MultipartUpload, *, parts: Sequence[PartReceipt], seconds_left: SecondsLeft
    ) -> None:
        """Raises UploadPending if the store has not answered when the worker has to stop waiting."""
        size = sum(part.size for part in parts)
        crc = crc_of_parts(upload.key, parts) if archive.verified else None
        executor = self.executors(1)
        answer = executor.submit(self.store.complete, upload, parts, size=size, crc32=crc)
        try:
            answer.result(timeout=min(COMPLETING_SECONDS, max(1.0, seconds_left() - COMPLETING_RESERVE)))
        except TimeoutError as error:
            raise UploadPending(upload.key, "it was asked to and works on it") from error
        finally:
            executor.shutdown(wait=False)

    def parts_of(self, archive: Archive, upload: int, *, phases: Iterable[Phase]) -> list[PartReceipt]:
        """The parts of an upload that chunks of these phases recorded, by number."""
        receipts = (receipt for phase in phases for _, receipt in self.table.receipts(archive, phase))
        parts = [part for receipt in receipts for part in receipt.parts if part.upload == upload]
        return sorted(parts, key=lambda part: part.number)

    # --- headers

    def _header(
        self, archive: Archive, header: Header, *, body: Body | None, content: bytes, findings: Findings
    ) -> bytes:
        """The local header of a member, given the first bytes of its body as far as they are in the same part."""
        own = BodyCrc(header.entry, 0, len(content), zlib.crc32(content))
        if body is not None:
            findings.crcs.append(own)
            if header.crc32 is not None and own.size == header.size and own.crc32 != header.crc32:
                raise SourceChanged(body.key, OTHER_CRC, header.entry)
        crc = self._joined(archive, header, own=own, findings=findings) if header.crc32 is None else header.crc32
        return local_header(Member(header.name, header.size, header.modified, header.timestamp), crc)

    def _joined(self, archive: Archive, header: Header, *, own: BodyCrc, findings: Findings) -> int:
        """The CRC-32 of a body from its first bytes and the copies of the rest, or from what was read of it."""
        if not header.chunks:
            return joined_crc(header.entry, header.size, crcs=[own])
        if archive.crc_source is not CrcSource.READ:
            recorded = self._recorded(archive, Phase.BODY, header=header)
            return joined_crc(header.entry, header.size, crcs=[own, *recorded])
        crc = joined_crc(header.entry, header.size, crcs=self._recorded(archive, Phase.CHECKSUM, header=header))
        findings.objects[header.key, header.etag] = crc
        return crc

    def _recorded(self, archive: Archive, phase: Phase, *, header: Header) -> Iterator[BodyCrc]:
        for _, receipt in self.table.receipts(archive, phase, chunks=header.chunks):
            yield from (crc for crc in receipt.crcs if crc.entry == header.entry)


def _await(futures: Sequence[Future[None]]) -> None:
    """Waits for all. If one fails, those that wait for a thread are given up, and what it raised is raised."""
    failure: BaseException | None = None
    for future in futures:
        error = None if future.cancelled() else future.exception()
        if error is not None and failure is None:
            failure = error
            for other in futures:
                other.cancel()
    if failure is not None:
        raise failure


def _place(archive: Archive) -> str:
    """Where an archive's plan lies."""
    return archive.plan.rpartition("/")[0]
