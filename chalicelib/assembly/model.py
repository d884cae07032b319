"""The state of an archive that is being built: one versioned value with named steps. Sizes are bytes."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from chalicelib.jobs.model import Job


class Phase(StrEnum):
    """The steps of building an archive, in order. A phase begins when every chunk of the one before is recorded."""

    CHECKSUM = "checksum"  # bodies whose CRC-32 no store tells are read; a row of its own, archive 0
    GATHER = "gather"  # many small bodies are put together into runs, so that no message reads for minutes
    BODY = "body"  # copied ranges, and literal parts that wait for nothing
    HEADERS = "headers"  # literal parts with headers whose CRC-32 came from the copies
    STAGES = "stages"  # staging objects are completed
    STAGED = "staged"  # and copied into the archive
    FINISH = "finish"  # manifest, directory, Complete
    DONE = "done"


PHASES = tuple(Phase)


class CrcSource(StrEnum):
    """Where the CRC-32s of copied bodies come from."""

    COPY = "copy"  # from the answers of the copies themselves
    HEAD = "head"  # the store knew them beforehand
    READ = "read"  # every copied body was read once


@dataclass(frozen=True, slots=True)
class Upload:
    """A multipart upload to `key` of the archive bucket."""

    key: str
    upload_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Archive:
    """One archive of a job in one generation. `uploads[0]` is the archive itself, the rest are staging objects.

    Archives are numbered from 1; number 0 stands for the reading of CRC-32s and builds nothing. `chunks` tells how many
    chunks each phase has; `done` the numbers of those of the current phase that are recorded.
    """

    job_id: str
    generation: int
    number: int
    filename: str
    size: int
    entries: int
    parts: int
    crc_source: CrcSource
    verified: bool  # the store checks the CRC-32 of the whole archive when it is completed
    staging: str  # where its staging objects lie; planners that run at once have different places
    fingerprint: str  # of the layout: whoever plans again must come to the same
    cost: dict[str, int | str]  # what the plan costs if nothing fails: bytes, requests, dollars
    uploads: tuple[Upload, ...]
    chunks: dict[Phase, int]
    phase: Phase
    done: frozenset[int] = field(default_factory=frozenset)

    @property
    def reads_only(self) -> bool:
        return self.number == 0

    @property
    def key(self) -> str:
        return self.uploads[0].key

    @property
    def phase_complete(self) -> bool:
        return len(self.done) >= self.chunks.get(self.phase, 0)

    @property
    def next_phase(self) -> Phase:
        """The first later phase that has anything to do."""
        later = PHASES[PHASES.index(self.phase) + 1 :]
        return next(phase for phase in later if phase is Phase.DONE or self.chunks.get(phase, 0))

    @property
    def missing_chunks(self) -> list[int]:
        return [number for number in range(self.chunks.get(self.phase, 0)) if number not in self.done]


@dataclass(frozen=True, slots=True)
class PartReceipt:
    """What S3 gave for one part. `crc32` is None where the store does not tell it."""

    upload: int
    number: int
    etag: str
    size: int
    crc32: int | None


@dataclass(frozen=True, slots=True)
class BodyCrc:
    """The CRC-32 of bytes [start, start + size) of the body of an entry, learnt while building."""

    entry: int
    start: int
    size: int
    crc32: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What one chunk left behind."""

    parts: tuple[PartReceipt, ...] = ()
    crcs: tuple[BodyCrc, ...] = ()


def archive_filename(job: Job, number: int, archives: int) -> str:
    """What the archive is called when it is saved; several are told apart by their numbers."""
    name = (job.archive.filename if job.archive else "") or f"lorry-{job.job_id[:8]}.zip"
    if archives == 1:
        return name
    stem = name.removesuffix(".zip")
    return f"{stem}-{number:0{len(str(archives))}d}-of-{archives}.zip"


def archive_prefix(job_id: str) -> str:
    """Where a job's archives lie in the archive bucket."""
    return f"archives/{job_id}/"


def archive_key(job_id: str, generation: int, number: int) -> str:
    return f"{archive_prefix(job_id)}{generation}-{number}.zip"


def staging_prefix(job_id: str) -> str:
    """Where everything lies that does not outlive the job's assembly."""
    return f"staging/{job_id}/"


def staging_place(job_id: str, generation: int, token: str, number: int) -> str:
    """Where one planner puts the staging objects of one archive."""
    return f"{staging_prefix(job_id)}{generation}/{token}/{number}/"


def generation_of(key: str) -> int:
    """The generation that a key of either prefix belongs to."""
    found = re.match(r"\d+", key.split("/")[2])
    return int(found[0]) if found else 0
