"""Builds a planned archive on an object store in memory that is as strict as AWS: the oracle of the archive tests.

It knows only what workers know: parts as they are stored, CRC-32s of what was copied, generated parts as rendered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import md5
from itertools import pairwise
from zlib import crc32

from chalicelib.archive.cutting import PartSources
from chalicelib.archive.generated import Generated, Renderer, patch_directory, patch_manifest
from chalicelib.archive.parts import Body, Copy, Header, Literal, Source, decode_chunk, encode_chunk
from chalicelib.archive.records import Member, crc32_concat, local_header
from chalicelib.limits import S3Limits
from tests.support.archives import Planned


class Refused(Exception):
    """What AWS would not have accepted."""


def etag_of(body: bytes) -> str:
    return md5(body, usedforsecurity=False).hexdigest()


@dataclass
class StrictS3:
    """Objects, and uploads as number -> bytes per part. Every read of a range is counted."""

    limits: S3Limits
    objects: dict[str, bytes] = field(default_factory=dict)
    uploads: dict[str, dict[int, bytes]] = field(default_factory=dict)
    gets: int = 0
    read: int = 0

    def get(self, body: Body) -> bytes:
        content = self._range(body)
        self.gets += 1
        self.read += len(content)
        return content

    def create(self, key: str) -> None:
        self.uploads[key] = {}

    def put_part(self, key: str, number: int, body: bytes) -> None:
        if not 1 <= number <= self.limits.max_parts or not 0 < len(body) <= self.limits.max_part:
            raise Refused(f"part {number} of {len(body)} bytes")
        if number in self.uploads[key]:
            raise Refused(f"part {number} twice")
        self.uploads[key][number] = bytes(body)

    def copy_part(self, key: str, number: int, body: Body) -> int:
        """The CRC-32 of the copied range."""
        content = self._range(body)
        self.put_part(key, number, content)
        return crc32(content)

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

    def _range(self, body: Body) -> bytes:
        content = self.objects[body.key]
        if etag_of(content) != body.etag:
            raise Refused(f"412 {body.key}")
        if not 0 <= body.start < body.start + body.size <= len(content):
            raise Refused(f"{body} of {len(content)} bytes")
        return content[body.start : body.start + body.size]


class PlanExecutor:
    """Builds one archive; `crcs` fills up with what is found on the way."""

    def __init__(self, planned: Planned, store: StrictS3) -> None:
        self.planned, self.store = planned, store
        self.sources = PartSources(planned.volume, planned.layout, cuts=planned.cuts)
        self.copies: dict[int, list[tuple[int, int, int]]] = {}  # start, CRC-32 and size of ranges, by member
        self.crcs: dict[int, int] = {}

    def run(self) -> bytes:
        cuts = self.planned.cuts
        for upload in range(1 + len(cuts.intermediates)):
            self.store.create(key_of(upload))
        parts = [stored(part) for part, _ in self.sources.parts()]
        for part in parts:
            if isinstance(part, Copy):
                self._copy(part)
        for part in reversed(parts):  # nothing asks for an order
            if isinstance(part, Literal):
                self.store.put_part(key_of(part.upload), part.number, self._rendered(part.sources))
        for upload in range(1, 1 + len(cuts.intermediates)):
            self.store.complete(key_of(upload))
        for join in cuts.joins():
            whole = Body(
                0, key_of(join.upload), etag_of(self.store.objects[key_of(join.upload)]), join.start, join.size
            )
            self.store.copy_part(key_of(0), join.number, whole)
        for number, body in self._generated():
            self.store.put_part(key_of(0), number, body)
        return self.store.complete(key_of(0))

    def _copy(self, part: Copy) -> None:
        crc = self.store.copy_part(key_of(part.upload), part.number, part.body)
        self.copies.setdefault(part.body.entry, []).append((part.body.start, crc, part.size))

    def _rendered(self, sources: Sequence[Source]) -> bytes:
        return b"".join(self._pieces(sources))

    def _pieces(self, sources: Sequence[Source]) -> Iterator[bytes]:
        for source, following in pairwise((*sources, None)):
            assert isinstance(source, Header | Body)
            if isinstance(source, Header):
                content = self.store.get(following) if isinstance(following, Body) else b""
                copied = [(crc, size) for _, crc, size in sorted(self.copies.get(source.entry, []))]
                assert len(content) + sum(size for _, size in copied) == source.size
                crc = crc32_concat([(crc32(content), len(content)), *copied])
                assert source.crc32 in (None, crc)
                self.crcs[source.entry] = crc
                member = Member(source.name, source.size, source.modified)
                yield local_header(member, crc, limits=self.planned.zip_limits) + content

    def _generated(self) -> Iterator[tuple[int, bytes]]:
        planned = self.planned
        first = self._rendered(self.sources.last())
        renderer = Renderer(planned.volume, planned.layout, limits=planned.zip_limits)
        parts = [renderer.render(*items) for items in pairwise([*planned.cuts.generated, renderer.items])]
        crcs = [self.crcs[member] for member in range(planned.volume.sources)]
        stretches = [(patch_manifest(made_of, body, crcs=crcs), made_of.manifest) for made_of, body in parts]
        numbers = list(planned.cuts.numbers())[len(planned.cuts) :]
        for (upload, number), (made_of, body) in zip(numbers, parts, strict=True):
            assert upload == 0
            assert_whole(made_of, body)
            patch_directory(made_of, body, crcs=crcs, manifest_crc=crc32_concat(stretches))
            yield number, first + body
            first = b""


def assert_whole(made_of: Generated, body: bytes | bytearray) -> None:
    assert made_of.size == len(body)


def stored(part: Copy | Literal) -> Copy | Literal:
    """The part as a worker reads it."""
    (read,) = decode_chunk(encode_chunk((part,)))
    assert isinstance(read, Copy | Literal)
    return read


def key_of(upload: int) -> str:
    return f"upload-{upload}"


def built(plan: Planned, store: Mapping[str, bytes], s3: S3Limits) -> tuple[bytes, StrictS3]:
    """The archive's bytes after running the plan, and the store that it ran on."""
    target = StrictS3(s3, dict(store))
    return PlanExecutor(plan, target).run(), target
