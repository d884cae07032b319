"""Stand-ins for the archive store and the table of assembly that keep the rules of AWS, also where emulators do not."""

from __future__ import annotations

import hashlib
import itertools
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from chalicelib.archive.parts import Body
from chalicelib.archive.records import crc32_concat
from chalicelib.assembly.checksums import required_crc
from chalicelib.assembly.model import Archive, BodyCrc, MultipartUpload, PartReceipt, Phase, Receipt
from chalicelib.assembly.ports import ChunkOutcome, ChunkState
from chalicelib.errors import ObjectRefused, SourceChanged, StorageUnavailable, UploadGone
from chalicelib.jobs.model import FORBIDDEN, Counts, FileResult, Job, JobEvent, JobStatus
from chalicelib.jobs.ports import Listing, StoredObject
from chalicelib.jobs.state_machine import Trigger, allows, target
from chalicelib.limits import S3Limits
from tests.support.fake_job_table import FakeJobTable, added, place_of


@dataclass(frozen=True)
class _Object:
    body: bytes
    etag: str


@dataclass
class _Upload:
    key: str
    checksummed: bool
    parts: dict[int, tuple[str, bytes]] = field(default_factory=dict)


class FakeStore:
    """Source and archive bucket in memory: SourceStore and ArchiveStore as strict as AWS.

    `copies_tell`: copies answer with their CRC-32 and Complete verifies the whole. `heads_tell`: HEAD knows CRC-32s.
    """

    def __init__(self, limits: S3Limits, *, copies_tell: bool = False, heads_tell: bool = False) -> None:
        self.limits, self.copies_tell, self.heads_tell = limits, copies_tell, heads_tell
        self.source: dict[str, _Object] = {}
        self.objects: dict[str, bytes] = {}
        self.uploads: dict[str, _Upload] = {}
        self.bytes_read = self.bytes_uploaded = self.bytes_copied = 0
        self.down = False
        self.unreadable: set[str] = set()  # keys of objects that a HEAD describes
        self.crashes: FakeJobTable | None = None  # writes die with those of this table
        self._ids = itertools.count(1)

    def put_source(self, key: str, body: bytes) -> None:
        self.source[key] = _Object(body, hashlib.md5(key.encode() + body, usedforsecurity=False).hexdigest())

    # --- SourceStore

    def head(self, key: str) -> StoredObject | None:
        self._answer(key)
        found = self.source.get(key)
        if found is None:
            return None
        crc = zlib.crc32(found.body) if self.heads_tell else None
        return StoredObject(len(found.body), found.etag, 1_600_000_000_000, crc)

    def pages_below(self, prefix: str, *, after: str = "") -> Iterator[Listing]:
        for key in sorted(key for key in self.source if key.startswith(prefix) and key > after):
            stored = self.head(key)
            assert stored is not None
            yield Listing(((key, replace(stored, crc32=None)),))

    def confirm_readable(self, key: str) -> None:
        self._answer(key)
        if key in self.unreadable:
            raise ObjectRefused(key, "AccessDenied: no key", FORBIDDEN)

    def confirm_bucket(self) -> None:
        self._answer("bucket")

    def combined_crc32(self, key: str, etag: str) -> int | None:
        return None

    # --- ArchiveStore

    def create_upload(self, key: str, *, checksummed: bool) -> MultipartUpload:
        upload = MultipartUpload(key, f"upload-{next(self._ids)}")
        with self._write(key):
            self.uploads[upload.upload_id] = _Upload(key, checksummed)
        return upload

    def upload_part(self, upload: MultipartUpload, number: int, body: bytes | bytearray, *, crc32: int | None) -> str:
        assert (crc32 is not None) == self._upload(upload).checksummed, "Checksum Type mismatch"
        assert crc32 in (None, zlib.crc32(body)), "BadDigest"
        self.bytes_uploaded += len(body)
        return self._store_part(upload, number, bytes(body))

    def copy_part(self, upload: MultipartUpload, number: int, body: Body) -> tuple[str, int | None]:
        return self._copy(upload, number, self._pinned(body))

    def copy_object(
        self, upload: MultipartUpload, number: int, key: str, *, start: int, size: int
    ) -> tuple[str, int | None]:
        return self._copy(upload, number, self.objects[key][start : start + size])

    def complete(self, upload: MultipartUpload, parts: Sequence[PartReceipt], *, size: int, crc32: int | None) -> None:
        self._answer(upload.key)
        if upload.key in self.objects:
            raise UploadGone(upload.key, "the object is there already")
        known = self._upload(upload)
        assert [part.number for part in parts] == list(range(1, len(parts) + 1)), "parts run from 1 without gaps"
        for part in parts:
            etag, body = known.parts[part.number]
            assert etag == part.etag, "InvalidPart"
            assert part.number == len(parts) or len(body) >= self.limits.min_part, "EntityTooSmall"
        whole = b"".join(known.parts[part.number][1] for part in parts)
        if crc32 is not None:
            assert known.checksummed and size == len(whole), "BadRequest"
            assert crc32_concat((required_crc(upload.key, part.crc32), part.size) for part in parts) == crc32
            assert crc32 == zlib.crc32(whole), "BadDigest"
        with self._write(upload.key):
            self.objects[upload.key] = whole
            del self.uploads[upload.upload_id]

    def abort(self, upload: MultipartUpload) -> None:
        with self._write(upload.key):
            self.uploads.pop(upload.upload_id, None)

    def open_uploads(self, prefix: str) -> list[MultipartUpload]:
        return [
            MultipartUpload(known.key, name) for name, known in self.uploads.items() if known.key.startswith(prefix)
        ]

    def size_of(self, key: str) -> int | None:
        self._answer(key)
        return len(self.objects[key]) if key in self.objects else None

    def put(self, key: str, body: bytes | bytearray) -> None:
        with self._write(key):
            self.objects[key] = bytes(body)

    def get(self, key: str) -> bytes:
        self._answer(key)
        return self.objects[key]

    def find(self, key: str) -> bytes | None:
        self._answer(key)
        return self.objects.get(key)

    def delete_below(self, prefix: str) -> None:
        for key in [key for key in self.objects if key.startswith(prefix)]:
            del self.objects[key]

    def get_range(self, key: str, *, start: int, size: int) -> bytes:
        return self.get(key)[start : start + size]

    def read(self, body: Body) -> bytes:
        content = self._pinned(body)
        self.bytes_read += len(content)
        return content

    def read_many(self, bodies: Sequence[Body]) -> Iterator[bytes]:
        return (self.read(body) for body in bodies)

    def crc_of(self, body: Body) -> BodyCrc:
        return BodyCrc(body.entry, body.start, body.size, zlib.crc32(self.read(body)))

    def probe_copy_checksums(self) -> bool:
        return self.copies_tell

    def _copy(self, upload: MultipartUpload, number: int, body: bytes) -> tuple[str, int | None]:
        self.bytes_copied += len(body)
        etag = self._store_part(upload, number, body)
        tells = self.copies_tell and self._upload(upload).checksummed
        return etag, zlib.crc32(body) if tells else None

    def _store_part(self, upload: MultipartUpload, number: int, body: bytes) -> str:
        self._answer(upload.key)
        assert 1 <= number <= self.limits.max_parts and 0 < len(body) <= self.limits.max_part
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        with self._write(upload.key):
            self._upload(upload).parts[number] = (etag, body)
        return etag

    def _upload(self, upload: MultipartUpload) -> _Upload:
        if upload.upload_id not in self.uploads:
            raise UploadGone(upload.key, "NoSuchUpload")
        return self.uploads[upload.upload_id]

    def _pinned(self, body: Body) -> bytes:
        self._answer(body.key)
        found = self.source.get(body.key)
        if found is None or found.etag != body.etag:
            raise SourceChanged(body.key, "HTTP 412 PreconditionFailed", body.entry)
        self.confirm_readable(body.key)
        assert body.size > 0 and body.start + body.size <= len(found.body)
        return found.body[body.start : body.start + body.size]

    def _write(self, key: str) -> AbstractContextManager[None]:
        self._answer(key)
        return self.crashes.write() if self.crashes else nullcontext()

    def _answer(self, key: str) -> None:
        if self.down:
            raise StorageUnavailable(key, "it is down")


class FakeAssemblyTable:
    """AssemblyTable in memory, beside the jobs."""

    def __init__(self, jobs: FakeJobTable) -> None:
        self.jobs = jobs
        self.rows: dict[tuple[str, int, int], Archive] = {}
        self.kept: dict[tuple[str, int, int, Phase, int], Receipt] = {}
        self.plans: dict[tuple[str, int], str] = {}
        self.changes: list[tuple[str, int, str]] = []
        self.facts: dict[str, tuple[str, int]] = {}

    def saved_plan(self, job: Job) -> str | None:
        self.jobs.get(job.job_id)
        return self.plans.get((job.job_id, job.generation))

    def save_plan(self, job: Job, *, state: str, before: str | None, step: str, now: int) -> bool:
        current = self._current(job.job_id, job.generation)
        if current is None or self.plans.get((job.job_id, job.generation)) != before:
            return False
        with self.jobs.write():
            self.plans[job.job_id, job.generation] = state
            self._save(replace(current, updated_at=now))
        return True

    def open_archives(self, job: Job, trigger: Trigger, archives: Sequence[Archive], event: JobEvent) -> bool:
        current = self._current(job.job_id, job.generation)
        if current is None or any(_key(archive) in self.rows for archive in archives):
            return False
        if not allows(current, trigger) or current.to_assemble:
            return False
        size = sum(archive.size for archive in archives)
        changes: dict[str, Any] = {"to_assemble": size, "min_progress": job.progress, "updated_at": event.at}
        with self.jobs.write():
            self._save(replace(current, step=target(trigger).step, **changes), event)
            self.rows.update({_key(archive): archive for archive in archives})
        return True

    def archives(self, job_id: str, generation: int | None = None) -> list[Archive]:
        wanted = [a for (job, g, _), a in self.rows.items() if job == job_id and generation in (None, g)]
        return sorted(wanted, key=lambda a: (a.generation, a.number))

    def chunk_state(self, job_id: str, generation: int, number: int, phase: Phase, *, chunk: int) -> ChunkState:
        key = (job_id, generation, number)
        return ChunkState(self.jobs.get(job_id), self.rows.get(key), (*key, phase, chunk) in self.kept)

    def record_chunk(self, archive: Archive, chunk: int, receipt: Receipt, *, now: int) -> ChunkOutcome:
        row = self.rows.get(_key(archive))
        place = (*_key(archive), archive.phase, chunk)
        if place in self.kept or (row is not None and row.is_past(archive.phase)):
            return ChunkOutcome.DUPLICATE
        if row is None or row.phase is not archive.phase:
            return ChunkOutcome.STALE
        counted = replace(row, recorded=row.recorded + 1, done_bytes=row.done_bytes + receipt.done, updated_at=now)
        with self.jobs.write():
            self.rows[_key(archive)] = counted
            self.kept[place] = receipt
        return ChunkOutcome.RECORDED

    def receipts(
        self, archive: Archive, phase: Phase, chunks: Sequence[int] | None = None
    ) -> Iterator[tuple[int, Receipt]]:
        wanted = range(archive.chunks.get(phase, 0)) if chunks is None else chunks
        found = ((chunk, self.kept.get((*_key(archive), phase, chunk))) for chunk in wanted)
        return ((chunk, receipt) for chunk, receipt in found if receipt is not None)

    def recorded_chunks(self, archive: Archive) -> set[int]:
        return {chunk for chunk, _ in self.receipts(archive, archive.phase)}

    def enter_phase(self, archive: Archive, phase: Phase, *, now: int) -> Archive | None:
        row = self.rows.get(_key(archive))
        if row is None or row.phase is not archive.phase or not row.phase_complete:
            return None
        with self.jobs.write():
            self.rows[_key(archive)] = replace(row, phase=phase, recorded=0, completing_at=0, updated_at=now)
        return self.rows[_key(archive)]

    def report_progress(self, job: Job, *, assembled: int, now: int, not_after: int | None) -> bool:
        current = self._current(job.job_id, job.generation)
        if current is None or current.assembled >= assembled:
            return False
        if not_after is not None and current.updated_at > not_after:
            return False
        with self.jobs.write():
            self._save(replace(current, assembled=assembled, updated_at=now))
        return True

    def next_generation(self, job: Job, changed: Sequence[str], event: JobEvent) -> bool:
        current = self._current(job.job_id, job.generation)
        if current is None or not allows(current, Trigger.REPLAN) or current.assembled != job.assembled:
            return False
        again = replace(
            current,
            step=target(Trigger.REPLAN).step,
            generation=job.generation + 1,
            replans=current.replans + 1,
            min_progress=job.progress,
            assembled=0,
            to_assemble=0,
        )
        with self.jobs.write():
            self._save(again, event)
            self.changes += [(job.job_id, job.generation, key) for key in changed]
        return True

    def changed_keys(self, job: Job) -> list[str]:
        generations = range(job.generation - job.replans, job.generation)
        return [key for job_id, generation, key in self.changes if job_id == job.job_id and generation in generations]

    def replace_results(self, job: Job, results: Mapping[int, FileResult], counts: Counts, *, size: int) -> bool:
        current = self._current(job.job_id, job.generation)
        if current is None or current.replanned >= job.generation:
            return False
        with self.jobs.write():
            for index, result in results.items():
                batch, place = divmod(index, job.batch_size)
                stored = list(self.jobs.results[place_of(job, batch)])
                stored[place] = result
                self.jobs.results[place_of(job, batch)] = tuple(stored)
            again = replace(current, size=current.size + size, replanned=job.generation)
            self._save(added(again, counts))
        return True

    def begin_completing(self, archive: Archive, *, now: int) -> None:
        row = self.rows.get(_key(archive))
        if row is not None and row.phase is archive.phase:
            with self.jobs.write():
                self.rows[_key(archive)] = replace(row, completing_at=now)

    def forget_archives(self, archives: Sequence[Archive]) -> None:
        for archive in archives:
            self.rows.pop(_key(archive), None)

    def cleaned_up(self, job: Job, *, sweep_at: int | None) -> None:
        current = self.jobs.jobs[job.job_id]
        if (current.status, current.generation) == (job.status, job.generation):
            self.jobs.jobs[job.job_id] = replace(current, sweep_at=sweep_at or 0)

    def remember(self, values: Mapping[str, str], *, until: int) -> None:
        self.facts.update({name: (value, until) for name, value in values.items()})

    def recall(self, names: Sequence[str], *, now: int) -> dict[str, str]:
        return {name: self.facts[name][0] for name in names if name in self.facts and self.facts[name][1] > now}

    def _current(self, job_id: str, generation: int) -> Job | None:
        job = self.jobs.get(job_id)
        if job is None or job.status is not JobStatus.PROCESSING or job.generation != generation:
            return None
        return job

    def _save(self, job: Job, event: JobEvent | None = None) -> None:
        self.jobs.jobs[job.job_id] = replace(job, version=job.version + 1)
        self.jobs.trail[job.job_id].extend([event] if event else [])


def _key(archive: Archive) -> tuple[str, int, int]:
    return archive.job_id, archive.generation, archive.number
