"""Stand-ins for the archive store and the table of assembly that keep the rules of AWS, also where emulators do not."""

from __future__ import annotations

import hashlib
import itertools
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from msgspec.structs import replace as changed

from chalicelib.archive.crc32 import crc32_concat
from chalicelib.archive.rules import S3Limits
from chalicelib.assembly.model import PHASES, Archive, BodyCrc, PartReceipt, Phase, Receipt, Upload
from chalicelib.assembly.ports import ChunkOutcome
from chalicelib.assembly.tasks import Range
from chalicelib.checking.ports import StoredObject
from chalicelib.errors import SourceChanged, StorageUnavailable, UploadGone
from chalicelib.jobs.model import Counts, FileResult, Job, JobEvent, JobStatus, Step
from chalicelib.jobs.state_machine import Trigger, allows, target
from tests.fakes import FakeJobTable, added


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

    def list_below(self, prefix: str) -> Iterator[tuple[str, StoredObject]]:
        for key in sorted(key for key in self.source if key.startswith(prefix)):
            stored = self.head(key)
            assert stored is not None
            yield key, changed(stored, crc32=None)

    def confirm_bucket(self) -> None:
        self._answer("bucket")

    def combined_crc32(self, key: str, etag: str) -> int | None:
        return None

    # --- ArchiveStore

    def create_upload(self, key: str, *, checksummed: bool) -> Upload:
        self._answer(key)
        upload = Upload(key, f"upload-{next(self._ids)}")
        self.uploads[upload.upload_id] = _Upload(key, checksummed)
        return upload

    def upload_part(self, upload: Upload, number: int, body: bytes | bytearray, *, crc32: int | None) -> str:
        assert (crc32 is not None) == self._upload(upload).checksummed, "Checksum Type mismatch"
        assert crc32 in (None, zlib.crc32(body)), "BadDigest"
        self.bytes_uploaded += len(body)
        return self._store_part(upload, number, bytes(body))

    def copy_part(self, upload: Upload, number: int, source: Range) -> tuple[str, int | None]:
        return self._copy(upload, number, self._pinned(source))

    def copy_staged(self, upload: Upload, number: int, key: str, *, start: int, size: int) -> tuple[str, int | None]:
        return self._copy(upload, number, self.objects[key][start : start + size])

    def complete(self, upload: Upload, parts: Sequence[PartReceipt], *, size: int, crc32: int | None) -> None:
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
            assert crc32_concat((part.crc32 or 0, part.size) for part in parts) == crc32 == zlib.crc32(whole), (
                "BadDigest"
            )
        self.objects[upload.key] = whole
        del self.uploads[upload.upload_id]

    def abort(self, upload: Upload) -> None:
        self._answer(upload.key)
        self.uploads.pop(upload.upload_id, None)

    def open_uploads(self, prefix: str) -> list[Upload]:
        return [Upload(known.key, name) for name, known in self.uploads.items() if known.key.startswith(prefix)]

    def size_of(self, key: str) -> int | None:
        self._answer(key)
        return len(self.objects[key]) if key in self.objects else None

    def put(self, key: str, body: bytes) -> None:
        self._answer(key)
        self.objects[key] = bytes(body)

    def get(self, key: str) -> bytes:
        self._answer(key)
        return self.objects[key]

    def delete_below(self, prefix: str) -> None:
        for key in [key for key in self.objects if key.startswith(prefix)]:
            del self.objects[key]

    def read(self, source: Range) -> bytes:
        body = self._pinned(source)
        self.bytes_read += len(body)
        return body

    def read_many(self, sources: Sequence[Range]) -> Iterator[bytes]:
        return (self.read(source) for source in sources)

    def crc_of(self, source: Range) -> BodyCrc:
        return BodyCrc(source.entry, source.start, source.size, zlib.crc32(self.read(source)))

    def probe_copy_checksums(self) -> bool:
        return self.copies_tell

    def _copy(self, upload: Upload, number: int, body: bytes) -> tuple[str, int | None]:
        self.bytes_copied += len(body)
        etag = self._store_part(upload, number, body)
        tells = self.copies_tell and self._upload(upload).checksummed
        return etag, zlib.crc32(body) if tells else None

    def _store_part(self, upload: Upload, number: int, body: bytes) -> str:
        self._answer(upload.key)
        assert 1 <= number <= self.limits.max_parts and 0 < len(body) <= self.limits.max_part
        etag = hashlib.md5(body, usedforsecurity=False).hexdigest()
        self._upload(upload).parts[number] = (etag, body)
        return etag

    def _upload(self, upload: Upload) -> _Upload:
        if upload.upload_id not in self.uploads:
            raise UploadGone(upload.key, "NoSuchUpload")
        return self.uploads[upload.upload_id]

    def _pinned(self, source: Range) -> bytes:
        self._answer(source.key)
        found = self.source.get(source.key)
        if found is None or found.etag != source.etag:
            raise SourceChanged(source.key, "HTTP 412 PreconditionFailed", entry=source.entry)
        assert source.size > 0 and source.start + source.size <= len(found.body)
        return found.body[source.start : source.start + source.size]

    def _answer(self, key: str) -> None:
        if self.down:
            raise StorageUnavailable(key, "it is down")


class FakeAssemblyTable:
    """AssemblyTable in memory, beside the jobs."""

    def __init__(self, jobs: FakeJobTable) -> None:
        self.jobs = jobs
        self.rows: dict[tuple[str, int, int], Archive] = {}
        self.kept: dict[tuple[str, int, int, Phase, int], Receipt] = {}
        self.facts: dict[str, tuple[str, int]] = {}

    def open_archives(self, job: Job, trigger: Trigger, archives: Sequence[Archive], event: JobEvent) -> bool:
        current = self._current(job.job_id, job.generation)
        if current is None or any(_key(archive) in self.rows for archive in archives):
            return False
        if not allows(current, trigger) or (current.to_assemble and current.step is not Step.CHECKSUMMING):
            return False
        total = sum(archive.size for archive in archives) * (2 if trigger is Trigger.CHECKSUM else 1)
        changes = {"to_assemble": total, "assembled": 0, "min_progress": job.progress, "updated_at": event.at}
        with self.jobs.write():
            self._save(changed(current, step=target(trigger).step, **changes), event)
            self.rows.update({_key(archive): archive for archive in archives})
        return True

    def archives(self, job_id: str, generation: int | None = None) -> list[Archive]:
        wanted = [a for (job, g, _), a in self.rows.items() if job == job_id and generation in (None, g)]
        return sorted(wanted, key=lambda a: (a.generation, a.number))

    def record_chunk(self, archive: Archive, chunk: int, receipt: Receipt, *, size: int, now: int) -> ChunkOutcome:
        row = self.rows.get(_key(archive))
        if row is None:
            return ChunkOutcome.STALE
        if PHASES.index(row.phase) > PHASES.index(archive.phase) or chunk in row.done:
            return ChunkOutcome.DUPLICATE
        job = self._current(archive.job_id, archive.generation)
        if job is None or row.phase is not archive.phase:
            return ChunkOutcome.STALE
        with self.jobs.write():
            self.rows[_key(archive)] = replace(row, done=row.done | {chunk})
            self.kept[(*_key(archive), archive.phase, chunk)] = receipt
            self._save(changed(job, updated_at=now, assembled=job.assembled + size))
        return ChunkOutcome.RECORDED

    def receipts(self, archive: Archive, phase: Phase, chunks: Sequence[int] | None = None) -> Iterator[Receipt]:
        for key, receipt in sorted(self.kept.items()):
            if key[:4] == (*_key(archive), phase) and (chunks is None or key[4] in chunks):
                yield receipt

    def enter_phase(self, archive: Archive, phase: Phase) -> bool:
        row = self.rows.get(_key(archive))
        if row is None or row.phase is not archive.phase:
            return False
        with self.jobs.write():
            self.rows[_key(archive)] = replace(row, phase=phase, done=frozenset())
        return True

    def next_generation(self, job: Job, keys: Sequence[str], event: JobEvent) -> bool:
        current = self._current(job.job_id, job.generation)
        if current is None or not allows(current, Trigger.REPLAN) or current.assembled != job.assembled:
            return False
        again = changed(
            current,
            step=target(Trigger.REPLAN).step,
            generation=job.generation + 1,
            replans=current.replans + 1,
            changed=(*current.changed, *keys),
            min_progress=job.progress,
            assembled=0,
            to_assemble=0,
        )
        with self.jobs.write():
            self._save(again, event)
        return True

    def replace_results(self, job: Job, results: Mapping[int, FileResult], counts: Counts, *, size: int) -> bool:
        current = self._current(job.job_id, job.generation)
        if current is None or current.replanned >= job.generation:
            return False
        with self.jobs.write():
            for index, result in results.items():
                batch, place = divmod(index, job.batch_size)
                stored = list(self.jobs.results[job.job_id + job.listing, batch])
                stored[place] = result
                self.jobs.results[job.job_id + job.listing, batch] = tuple(stored)
            again = changed(current, size=current.size + size, replanned=job.generation)
            self._save(added(again, counts))
        return True

    def forget_archives(self, archives: Sequence[Archive]) -> None:
        for archive in archives:
            self.rows.pop(_key(archive), None)

    def cleaned_up(self, job: Job, *, sweep_at: int | None) -> None:
        current = self.jobs.jobs[job.job_id]
        if (current.status, current.generation) == (job.status, job.generation):
            self.jobs.jobs[job.job_id] = changed(current, sweep_at=sweep_at or 0)

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
        self.jobs.jobs[job.job_id] = changed(job, version=job.version + 1)
        self.jobs.trail[job.job_id].extend([event] if event else [])


def _key(archive: Archive) -> tuple[str, int, int]:
    return archive.job_id, archive.generation, archive.number
