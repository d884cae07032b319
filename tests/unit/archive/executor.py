"""Runs a plan against an object store in memory that is as strict as AWS: the oracle of the archive tests.

It knows only what workers know: parts and segments as JSON, the entries these name, receipts of earlier phases.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import md5
from zlib import crc32

from chalicelib.archive.archives import ArchivePlan
from chalicelib.archive.crc32 import crc32_concat
from chalicelib.archive.entries import Entry
from chalicelib.archive.layout import directory_pieces
from chalicelib.archive.manifest import manifest_pieces
from chalicelib.archive.parts import CopyPart, LiteralPart, Part, StagedPart, Upload
from chalicelib.archive.pieces import crc_of, window
from chalicelib.archive.records import local_header
from chalicelib.archive.rules import S3Limits
from chalicelib.archive.segments import (
    BodySegment,
    DirectorySegment,
    HeaderSegment,
    Segment,
    segments_of,
)
from chalicelib.archive.waiting import CrcNeed, crc_needs


class Refused(Exception):
    """What AWS would not have accepted."""


def etag_of(body: bytes) -> str:
    return f'"{md5(body, usedforsecurity=False).hexdigest()}"'


@dataclass
class StrictS3:
    """Objects, and uploads as number -> bytes per part. Every request is counted."""

    limits: S3Limits
    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    gets: int = 0
    read: int = 0

    def get(self, key: str, start: int, stop: int, etag: str) -> bytes:
        body = self._pinned(key, etag)
        if not 0 <= start < stop <= len(body):
            raise Refused(f"range {start}-{stop} of {key} ({len(body)} bytes)")
        self.gets += 1
        self.read += stop - start
        return body[start:stop]

    def create(self, key: str) -> None:
        self.uploads[key] = {}

    def put_part(self, key: str, number: int, body: bytes) -> None:
        if not 1 <= number <= self.limits.max_parts or not 0 < len(body) <= self.limits.max_part:
            raise Refused(f"part {number} of {len(body)} bytes")
        if number in self.uploads[key]:
            raise Refused(f"part {number} twice")
        self.uploads[key][number] = body

    def copy_part(self, key: str, number: int, source: tuple[str, str], span: tuple[int, int]) -> int:
        """The CRC-32 of the copied range."""
        body = self._pinned(*source)
        start, stop = span
        if not 0 <= start < stop <= len(body):
            raise Refused(f"range {start}-{stop} of {source[0]} ({len(body)} bytes)")
        self.put_part(key, number, body[start:stop])
        return crc32(body[start:stop])

    def complete(self, key: str) -> bytes:
        parts = self.uploads.pop(key)
        if sorted(parts) != list(range(1, len(parts) + 1)) or not parts:
            raise Refused("part numbers must run from 1 without gaps")
        if any(len(parts[number]) < self.limits.min_part for number in range(1, len(parts))):
            raise Refused("EntityTooSmall")
        self.objects[key] = b"".join(parts[number] for number in range(1, len(parts) + 1))
        if len(self.objects[key]) > self.limits.max_object:
            raise Refused("EntityTooLarge")
        return self.objects[key]

    def _pinned(self, key: str, etag: str) -> bytes:
        body = self.objects[key]
        if etag_of(body) != etag:
            raise Refused(f"412 {key}")
        return body


class Executor:
    """Runs one planned archive; `crcs` fills up with what the workers learn."""

    def __init__(self, planned: ArchivePlan, store: StrictS3) -> None:
        self.planned, self.store = planned, store
        self.layout, self.plan = planned.layout, planned.plan
        self.crcs: dict[int, int] = {n: e.crc32 for n, e in enumerate(self.layout.entries) if e.crc32 is not None}
        self.copied: dict[tuple[int, int], int] = {}
        self.needs = {need.part: need for need in crc_needs(self.plan)}

    def run(self) -> bytes:
        for upload in self.plan.uploads:
            self.store.create(key_of(upload.number))
        self._phase(1)
        self._phase(2)
        for stage in self.plan.stages:
            self.store.complete(key_of(stage.number))
        self._phase(3)
        return self.store.complete(key_of(0))

    def _phase(self, phase: int) -> None:
        for upload in self.plan.uploads:
            parts = upload.parts if phase == 3 else reversed(upload.parts)  # only phase 3 asks for an order
            for part in parts:
                if phase_of(part) == phase:
                    self._build(upload, part)

    def _build(self, upload: Upload, part: Part) -> None:
        key = key_of(upload.number)
        match part:
            case CopyPart():
                entry = self.layout.entries[part.entry]
                span = (part.start, part.start + part.size)
                crc = self.store.copy_part(key, part.number, source_of(entry), span)
                self.copied[upload.number, part.number] = crc
            case StagedPart():
                staged = key_of(part.stage)
                source = (staged, etag_of(self.store.objects[staged]))
                self.store.copy_part(key, part.number, source, (part.start, part.start + part.size))
            case LiteralPart():
                self.store.put_part(key, part.number, self._literal(part))

    def _literal(self, part: LiteralPart) -> bytes:
        segments = list(segments_of(self.layout, part))
        entries = {
            n: Entry.from_json(json.loads(json.dumps(self.layout.entries[n].to_json()))) for n in named(segments)
        }
        bodies = {
            s.entry: self._read(entries[s.entry], s.start, s.stop)
            for s in segments
            if isinstance(s, BodySegment) and entries[s.entry].key is not None
        }
        self._learn(part, segments, entries, bodies)
        return b"".join(self._bytes(segment, entries, bodies) for segment in segments)

    def _learn(
        self,
        part: LiteralPart,
        segments: list[Segment],
        entries: Mapping[int, Entry],
        bodies: Mapping[int, bytes],
    ) -> None:
        need = self.needs.get((part.upload, part.number))
        for segment in segments:
            if not isinstance(segment, HeaderSegment) or segment.entry in self.crcs:
                continue
            if segment.entry >= self.layout.sources:
                self.crcs[segment.entry] = crc_of(self._manifest())
                continue
            body = bodies.get(segment.entry, b"")
            if need is not None and need.entry == segment.entry:
                self.crcs[segment.entry] = self._joined(need, entries[segment.entry], body)
            else:
                assert len(body) == entries[segment.entry].size, "a header without a need has its whole body beside it"
                self.crcs[segment.entry] = crc32(body)

    def _joined(self, need: CrcNeed, entry: Entry, head: bytes) -> int:
        assert len(head) == need.head
        copies = [(self.copied[part], size) for part, size in need.copies]
        return crc32_concat([(crc32(head), len(head)), *copies])

    def _bytes(self, segment: Segment, entries: Mapping[int, Entry], bodies: Mapping[int, bytes]) -> bytes:
        match segment:
            case HeaderSegment(number):
                return local_header(entries[number], self.crcs[number], self.layout.limits)
            case BodySegment(number, start, stop) if number >= self.layout.sources:
                return b"".join(window(self._manifest(), start, stop))
            case BodySegment(number):
                return bodies[number]
            case DirectorySegment(start, stop):
                crcs = [self.crcs[number] for number in range(len(self.layout.entries))]
                return b"".join(window(directory_pieces(self.layout, crcs), start, stop))

    def _read(self, entry: Entry, start: int, stop: int) -> bytes:
        assert entry.key is not None
        assert entry.etag is not None
        return self.store.get(entry.key, start, stop, entry.etag)

    def _manifest(self):
        return manifest_pieces(self.planned.manifest, [self.crcs[n] for n in range(self.layout.sources)])


def phase_of(part: Part) -> int:
    match part:
        case LiteralPart():
            return part.phase
        case CopyPart():
            return 1
        case StagedPart():
            return 3


def key_of(upload: int) -> str:
    return f"upload-{upload}"


def source_of(entry: Entry) -> tuple[str, str]:
    assert entry.key is not None
    assert entry.etag is not None
    return entry.key, entry.etag


def named(segments: list[Segment]) -> set[int]:
    return {segment.entry for segment in segments if not isinstance(segment, DirectorySegment)}
