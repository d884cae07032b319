"""Finishes an archive: CRC-32s are written into manifest and directory, then its upload is completed.

Both were rendered by the planner, their CRC-32s open. A small archive is finished by one chunk. Of a large one, one
chunk puts the CRC-32s together, then each part of the manifest and each of the directory is a chunk of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

import msgspec

from chalicelib.archive.encoding import Numbers, decode, encode
from chalicelib.archive.generated import patch_directory, patch_manifest
from chalicelib.archive.parts import ARCHIVE_UPLOAD, Copy
from chalicelib.assembly.builder import OTHER_CRC, ChunkBuilder, Findings
from chalicelib.assembly.checksums import joined_crc
from chalicelib.assembly.model import Archive, BodyCrc, PartReceipt, Phase, Receipt
from chalicelib.assembly.plans import GeneratedPart, PlanReader
from chalicelib.assembly.ports import ArchiveStore, AssemblyTable, SecondsLeft
from chalicelib.errors import SourceChanged

BODY_PHASES = (Phase.GATHER, Phase.BODY, Phase.HEADERS)
PART_PHASES = (Phase.BODY, Phase.HEADERS, Phase.JOINS, Phase.MANIFEST, Phase.DIRECTORY)
FINISHING = frozenset({Phase.CRCS, Phase.MANIFEST, Phase.DIRECTORY, Phase.FINISH})


class Crcs(msgspec.Struct, frozen=True, tag_field="v", tag=1):
    """The CRC-32s of all members but the manifest, by number."""

    crcs: Numbers


class Finisher(msgspec.Struct, frozen=True):
    """Builds the last phases: parts of manifest and directory with all CRC-32s filled in, and the end of the upload."""

    table: AssemblyTable
    store: ArchiveStore
    plans: PlanReader
    builder: ChunkBuilder

    def build(self, archive: Archive, chunk: int, *, seconds_left: SecondsLeft) -> Receipt:
        """Do a chunk of one of the last phases. Doing it twice is fine. Raises as ChunkBuilder does."""
        match archive.phase:
            case Phase.CRCS:
                self.store.put(_crcs_key(archive), encode(Crcs(self._crcs(archive, ()))))
                return Receipt()
            case Phase.MANIFEST:
                return self._manifest_part(archive, self._generated(archive, with_manifest=True)[chunk])
            case Phase.DIRECTORY:
                return self._directory_part(archive, self._generated(archive, with_manifest=False)[chunk])
        return self._finish(archive, seconds_left)

    # --- a large archive

    def _generated(self, archive: Archive, *, with_manifest: bool) -> list[GeneratedPart]:
        """The parts that hold a stretch of the manifest, or those that hold something else."""
        parts = self.plans.plan(archive).generated
        return [part for part in parts if (part.made_of.manifest if with_manifest else not part.manifest_only)]

    def _manifest_part(self, archive: Archive, part: GeneratedPart) -> Receipt:
        """Write CRC-32s into a stretch of the manifest; upload it if the part holds nothing else."""
        body = bytearray(self.plans.blob(archive, part.blob))
        crc = patch_manifest(part.made_of, body, crcs=self._stored_crcs(archive))
        found = (_manifest_crc(archive, part, crc32=crc),)
        if not part.manifest_only:
            return Receipt((), found)
        return Receipt((self._upload(archive, part, body=body),), found, part.size)

    def _directory_part(self, archive: Archive, part: GeneratedPart) -> Receipt:
        """Write CRC-32s into everything, now that the manifest's own is known, and upload the part."""
        crcs = self._stored_crcs(archive)
        stretches = (crc for _, receipt in self.table.receipts(archive, Phase.MANIFEST) for crc in receipt.crcs)
        size = self.plans.members(archive).manifest_size
        manifest_crc = joined_crc(len(crcs), size, crcs=stretches)
        body = bytearray(self.plans.blob(archive, part.blob))
        patch_manifest(part.made_of, body, crcs=crcs)
        patch_directory(part.made_of, body, crcs=crcs, manifest_crc=manifest_crc)
        return Receipt(
            (self._upload(archive, part, body=self._sources(archive, part, findings=Findings()) + body),), (), part.size
        )

    def _stored_crcs(self, archive: Archive) -> Numbers:
        return decode(self.store.get(_crcs_key(archive)), Crcs).crcs

    # --- the end

    def _finish(self, archive: Archive, seconds_left: SecondsLeft) -> Receipt:
        """Upload the last parts of a small archive, and complete the upload. One that is complete already is fine."""
        last = [] if Phase.CRCS in archive.chunks else self.plans.plan(archive).generated
        self.builder.completed(
            archive,
            archive.upload,
            size=archive.size,
            parts=lambda: self._all_parts(archive, last),
            seconds_left=seconds_left,
        )
        return Receipt(done=sum(part.size for part in last))

    def _all_parts(self, archive: Archive, last: list[GeneratedPart]) -> list[PartReceipt]:
        uploaded = self._last_parts(archive, last)
        parts = self.builder.parts_of(archive, ARCHIVE_UPLOAD, phases=PART_PHASES) + uploaded
        if [part.number for part in parts] != list(range(1, archive.parts + 1)):
            raise AssertionError(f"{len(parts)} of {archive.parts} parts are recorded")
        return parts

    def _last_parts(self, archive: Archive, last: list[GeneratedPart]) -> list[PartReceipt]:
        """The generated parts of a small archive, uploaded: all of them are held, at most `SMALL_BYTES` in all."""
        if not last:
            return []
        findings = Findings()
        first = self._sources(archive, last[0], findings=findings)
        crcs = self._crcs(archive, findings.crcs)
        bodies = [bytearray(self.plans.blob(archive, part.blob)) for part in last]
        stretches = [
            _manifest_crc(archive, part, crc32=patch_manifest(part.made_of, body, crcs=crcs))
            for part, body in zip(last, bodies, strict=True)
        ]
        manifest_crc = joined_crc(len(crcs), sum(crc.size for crc in stretches), crcs=stretches)
        for part, body in zip(last, bodies, strict=True):
            patch_directory(part.made_of, body, crcs=crcs, manifest_crc=manifest_crc)
        bodies[0][:0] = first
        return [self._upload(archive, part, body=body) for part, body in zip(last, bodies, strict=True)]

    def _sources(self, archive: Archive, part: GeneratedPart, *, findings: Findings) -> bytearray:
        """What stands before the generated bytes of a part."""
        return self.builder.rendered(archive, part.size - part.made_of.size, sources=part.sources, findings=findings)

    def _upload(self, archive: Archive, part: GeneratedPart, *, body: bytearray) -> PartReceipt:
        if len(body) != part.size:
            raise AssertionError(f"part {part.number} of {part.size} bytes came to {len(body)}")
        return self.builder.upload(archive, ARCHIVE_UPLOAD, number=part.number, body=body)

    # --- CRC-32s

    def _crcs(self, archive: Archive, more: Iterable[BodyCrc]) -> Numbers:
        """The CRC-32 of each member but the manifest: known beforehand, or recorded by the chunks, or among `more`."""
        members = self.plans.members(archive)
        crcs, known = members.crcs, members.known
        for entry, crc in self._recorded(archive, members.sizes, phases=(Phase.CHECKSUM,), more=()):
            crcs[entry], known[entry] = crc, 1
        for entry, crc in self._recorded(archive, members.sizes, phases=BODY_PHASES, more=more):
            if known[entry] and crcs[entry] != crc:
                raise SourceChanged(self._key_of(archive, entry), OTHER_CRC, entry)
            crcs[entry], known[entry] = crc, 1
        for entry in range(len(known)):
            if members.sizes[entry] and not known[entry]:
                raise AssertionError(f"no chunk of {archive.key} recorded the CRC-32 of member {entry}")
        return crcs

    def _recorded(
        self, archive: Archive, sizes: Numbers, *, phases: Iterable[Phase], more: Iterable[BodyCrc]
    ) -> Iterator[tuple[int, int]]:
        """Members and their CRC-32s, where the ranges that chunks of these phases recorded make up the whole body."""
        receipts = (receipt for phase in phases for _, receipt in self.table.receipts(archive, phase))
        ranges: dict[int, list[BodyCrc]] = {}
        for crc in chain(more, chain.from_iterable(receipt.crcs for receipt in receipts)):
            if crc.size == sizes[crc.entry]:
                yield crc.entry, crc.crc32
            else:
                ranges.setdefault(crc.entry, []).append(crc)
        for entry, found in ranges.items():
            if sum(crc.size for crc in found) == sizes[entry]:
                yield entry, joined_crc(entry, sizes[entry], crcs=found)

    def _key_of(self, archive: Archive, entry: int) -> str:
        """The source of a member that S3 copied, looked up in the chunk that copied it."""
        for chunk, receipt in self.table.receipts(archive, Phase.BODY):
            if any(crc.entry == entry for crc in receipt.crcs):
                for task in self.plans.chunk(archive, Phase.BODY, number=chunk):
                    if isinstance(task, Copy) and task.body.entry == entry:
                        return task.body.key
        raise AssertionError(f"no chunk of {archive.key} copied member {entry}")


def _manifest_crc(archive: Archive, part: GeneratedPart, *, crc32: int) -> BodyCrc:
    """The CRC-32 of a part's stretch of the manifest, which is the last member."""
    return BodyCrc(archive.entries - 1, part.start, part.made_of.manifest, crc32)


def _crcs_key(archive: Archive) -> str:
    """Where the CRC-32s lie: beside the plan."""
    return f"{archive.plan.rpartition('/')[0]}/crcs"
