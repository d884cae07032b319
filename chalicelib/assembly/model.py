"""The state of an archive that is being built, and where its objects lie. Sizes are bytes, times epoch milliseconds."""

from __future__ import annotations

import re
from enum import StrEnum

import msgspec

from chalicelib.archive.entries import INCLUDED, Entry
from chalicelib.archive.names import MANIFEST_NAME, safe_segment
from chalicelib.jobs.model import FileResult, FileState, Job, RequestedFile


class Phase(StrEnum):
    """The steps of building an archive, in order. A phase begins when every chunk of the one before is recorded."""

    CHECKSUM = "checksum"  # copied bodies are read whose CRC-32 the store does not know
    GATHER = "gather"  # many small bodies are put together into bundles, so that no message reads for minutes
    BODY = "body"  # copied ranges, and literal parts that wait for nothing
    HEADERS = "headers"  # literal parts with headers whose CRC-32 came from the copies
    INTERMEDIATES = "intermediates"  # intermediate objects are completed
    JOINS = "joins"  # and copied into the archive
    CRCS = "crcs"  # the CRC-32 of every member is put together
    MANIFEST = "manifest"  # and written into the manifest's parts
    DIRECTORY = "directory"  # and into the directory's
    FINISH = "finish"  # the archive is completed; a small one does the three phases before in this one
    DONE = "done"


PHASES = tuple(Phase)


class CrcSource(StrEnum):
    """Where the CRC-32s of copied bodies come from."""

    COPY = "copy"  # from the answers of the copies themselves
    HEAD = "head"  # the store knew them beforehand
    READ = "read"  # every copied body was read once


class MultipartUpload(msgspec.Struct, frozen=True):
    """A multipart upload to `key` of the archive bucket."""

    key: str
    upload_id: str


class Archive(msgspec.Struct, frozen=True, kw_only=True):
    """One archive of a job in one generation, numbered from 1.

    `plan` is the key of its stored plan, `intermediates` that of the list of uploads of its intermediate objects (empty
    if there are none). `chunks` counts the chunks of each phase, `recorded` those of the current phase that are done.
    `work` is how much is to be read and built, `done_bytes` how much of it is done. `verified`: the store checks the
    CRC-32 of the whole archive when it is completed. `cost` is what the plan costs if nothing fails. `completing_at` is
    when the store was first asked in this phase to complete an upload. `manifest` is the name of the entry that lists
    the files, empty if there is none; `long_paths` counts names that Windows does not extract.
    """

    job_id: str
    generation: int
    number: int
    filename: str
    size: int
    entries: int
    manifest: str = MANIFEST_NAME
    long_paths: int = 0
    parts: int
    crc_source: CrcSource
    verified: bool
    cost: dict[str, int | str] = {}
    plan: str
    intermediates: str = ""
    upload: MultipartUpload
    chunks: dict[Phase, int]
    work: int
    phase: Phase
    recorded: int = 0
    done_bytes: int = 0
    completing_at: int = 0
    updated_at: int = 0

    @property
    def key(self) -> str:
        """Where the archive lies in the archive bucket."""
        return self.upload.key

    @property
    def built(self) -> int:
        """How much of `size` counts as built: what was read for CRC-32s takes its share."""
        return self.size * self.done_bytes // self.work

    @property
    def phase_complete(self) -> bool:
        """Whether every chunk of the phase is recorded."""
        return self.recorded >= self.chunks.get(self.phase, 0)

    @property
    def next_phase(self) -> Phase:
        """The first later phase that has anything to do."""
        later = PHASES[PHASES.index(self.phase) + 1 :]
        return next(phase for phase in later if phase is Phase.DONE or self.chunks.get(phase, 0))

    def is_past(self, phase: str) -> bool:
        """Whether the archive has left a phase."""
        return PHASES.index(self.phase) > PHASES.index(Phase(phase))


class PartReceipt(msgspec.Struct, frozen=True, array_like=True):
    """What S3 gave for one part. `crc32` is None where the store does not return it."""

    upload: int
    number: int
    etag: str
    size: int
    crc32: int | None


class BodyCrc(msgspec.Struct, frozen=True, array_like=True):
    """The CRC-32 of bytes [start, start + size) of the body of a member, found while building."""

    entry: int
    start: int
    size: int
    crc32: int


class Receipt(msgspec.Struct, frozen=True, array_like=True):
    """What one chunk left behind. `done` is how much of the archive's work it did."""

    parts: tuple[PartReceipt, ...] = ()
    crcs: tuple[BodyCrc, ...] = ()
    done: int = 0


def entry_of(file: RequestedFile, result: FileResult, *, trusted: bool) -> Entry:
    """A file as the archive needs it; `trusted`: with the CRC-32 that the store reported."""
    available = result.state is FileState.AVAILABLE
    return Entry(
        file.key,
        file.file_id,
        INCLUDED if available else str(result.state),
        result.reason,
        result.size,
        result.etag or "",
        (result.modified or 0) // 1000,
        0 if result.state is FileState.FOLDER else result.crc32 if available and trusted else None,
        result.encoding,
    )


def archive_filename(job: Job, number: int, *, archives: int) -> str:
    """What the archive is called when it is saved; several are distinguished by their numbers."""
    named = safe_segment(f"{job.label.replace('/', '_')}.zip") if job.label else f"lorry-{job.job_id[:8]}.zip"
    name = (job.archive.filename if job.archive else "") or named
    if archives == 1:
        return name
    stem = name.removesuffix(".zip")
    return f"{stem}-{number:0{len(str(archives))}d}-of-{archives}.zip"


def archive_prefix(job_id: str) -> str:
    """Where a job's archives lie in the archive bucket."""
    return f"archives/{job_id}/"


def archive_key(job_id: str, generation: int, *, number: int) -> str:
    """Where archive `number` of a generation lies in the archive bucket."""
    return f"{archive_prefix(job_id)}{generation}-{number}.zip"


def staging_prefix(job_id: str) -> str:
    """Where everything lies that does not outlive the job's assembly."""
    return f"staging/{job_id}/"


def staging_place(job_id: str, generation: int, *, token: str) -> str:
    """Where one message of planning puts what it stores: no two write to the same place."""
    return f"{staging_prefix(job_id)}{generation}/{token}/"


def generation_of(key: str) -> int:
    """The generation that a key of either prefix belongs to."""
    found = re.match(r"\d+", key.split("/")[2])
    return int(found[0]) if found else 0
