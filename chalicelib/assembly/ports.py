"""What assembly needs from the outside: the store that archives are built in, and the table that remembers how far."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Protocol

from chalicelib.assembly.model import Archive, BodyCrc, PartReceipt, Phase, Receipt, Upload
from chalicelib.assembly.tasks import Range
from chalicelib.jobs.model import Counts, FileResult, Job, JobEvent
from chalicelib.jobs.state_machine import Trigger


class ArchiveStore(Protocol):
    """The archive bucket, and reads of the source that are pinned to a version.

    Every method may raise StorageUnavailable, StorageThrottled and StorageForbidden. UploadGone: the upload was
    completed or aborted.
    """

    def create_upload(self, key: str, *, checksummed: bool) -> Upload:
        """Open a multipart upload; `checksummed`: the store is asked for CRC-32s of parts and whole."""

    def upload_part(self, upload: Upload, number: int, body: bytes | bytearray, *, crc32: int | None) -> str:
        """Upload a part; its ETag. Verified by its CRC-32 in a checksummed upload, else (None) by other means.

        Raises UploadGone.
        """

    def copy_part(self, upload: Upload, number: int, source: Range) -> tuple[str, int | None]:
        """Let the store copy a range of the source bucket: ETag, and the CRC-32 where the answer tells it.

        Raises SourceChanged if the object is gone or another version, and UploadGone.
        """

    def copy_staged(self, upload: Upload, number: int, key: str, *, start: int, size: int) -> tuple[str, int | None]:
        """The same from an object of the archive bucket."""

    def complete(self, upload: Upload, parts: Sequence[PartReceipt], *, size: int, crc32: int | None) -> None:
        """Complete an upload whose object must not exist yet. With `crc32` the store verifies the whole object.

        Raises UploadGone if the upload is not there, for instance because it was completed before.
        """

    def abort(self, upload: Upload) -> None:
        """Abort, again and again until the store knows the upload no more: copies in flight may land after it."""

    def open_uploads(self, prefix: str) -> list[Upload]:
        """Multipart uploads below `prefix` that are neither completed nor aborted."""

    def size_of(self, key: str) -> int | None:
        """Size of an object of the archive bucket, None if there is none."""

    def put(self, key: str, body: bytes) -> None:
        """Write a staging object."""

    def get(self, key: str) -> bytes:
        """Read a staging object."""

    def delete_below(self, prefix: str) -> None:
        """Delete every object below `prefix`."""

    def read(self, source: Range) -> bytes:
        """Read a range of the source bucket. Raises SourceChanged if the object is gone or another version."""

    def read_many(self, sources: Sequence[Range]) -> Iterator[bytes]:
        """The same for many ranges side by side, in their order."""

    def crc_of(self, source: Range) -> BodyCrc:
        """Read a range in small pieces and keep only its CRC-32."""

    def probe_copy_checksums(self) -> bool:
        """Whether copies tell their CRC-32 and Complete verifies the whole object's: tried on a few bytes."""


class ChunkOutcome(StrEnum):
    RECORDED = "recorded"
    DUPLICATE = "duplicate"
    STALE = "stale"  # the job has ended or another generation is being built; nothing was written


class AssemblyTable(Protocol):
    """Durable state of archives. Every method may raise TableUnavailable."""

    def open_archives(self, job: Job, trigger: Trigger, archives: Sequence[Archive], event: JobEvent) -> bool:
        """Save the archives of a generation before their first chunk is sent, with what the job has to assemble.

        False if the job has ended, is in another generation, or somebody else has opened them.
        """

    def archives(self, job_id: str, generation: int | None = None) -> list[Archive]:
        """The archives of a generation, or of all, in the order of generations and numbers."""

    def record_chunk(self, archive: Archive, chunk: int, receipt: Receipt, *, size: int, now: int) -> ChunkOutcome:
        """Store a chunk's receipt and count it and its `size`, once, while phase, generation and job are current."""

    def receipts(self, archive: Archive, phase: Phase, chunks: Sequence[int] | None = None) -> Iterator[Receipt]:
        """The receipts of a phase: of all its chunks, or of those named."""

    def enter_phase(self, archive: Archive, phase: Phase) -> bool:
        """Move from `archive.phase` to `phase`. False if somebody else was first."""

    def next_generation(self, job: Job, changed: Sequence[str], event: JobEvent) -> bool:
        """Begin a new generation because the files with these keys changed, too. False if somebody else was first."""

    def replace_results(self, job: Job, results: Mapping[int, FileResult], counts: Counts, *, size: int) -> bool:
        """Replace results of files by index, and add `counts` and `size` to the job's: once for each generation."""

    def forget_archives(self, archives: Sequence[Archive]) -> None:
        """Delete the rows of archives whose uploads are gone."""

    def cleaned_up(self, job: Job, *, sweep_at: int | None) -> None:
        """Nothing of an ended job needs cleaning before `sweep_at` (None: ever)."""

    def remember(self, values: Mapping[str, str], *, until: int) -> None:
        """Remember facts about the store by name, until an epoch second."""

    def recall(self, names: Sequence[str], *, now: int) -> dict[str, str]:
        """Those of the names that are remembered at this epoch second."""
