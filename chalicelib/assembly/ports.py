"""What assembly needs from the outside: the store that archives are built in, and the table that remembers how far."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from enum import StrEnum
from typing import NamedTuple, Protocol

from chalicelib.archive.parts import Body
from chalicelib.assembly.model import Archive, BodyCrc, MultipartUpload, PartReceipt, Phase, Receipt
from chalicelib.jobs.model import Counts, FileResult, Job, JobEvent
from chalicelib.jobs.state_machine import Trigger

Executors = Callable[[int], Executor]  # makes one that runs this many calls at once
SecondsLeft = Callable[[], float]  # until this invocation is ended from outside


class ArchiveStore(Protocol):
    """The archive bucket, and reads of the source that are pinned to a version.

    Every method may raise StorageUnavailable, StorageThrottled and StorageForbidden. UploadGone: the upload was
    completed or aborted.
    """

    def create_upload(self, key: str, *, checksummed: bool) -> MultipartUpload:
        """Open a multipart upload; `checksummed`: the store is asked for CRC-32s of parts and whole."""

    def upload_part(self, upload: MultipartUpload, number: int, *, body: bytes | bytearray, crc32: int | None) -> str:
        """Upload a part; its ETag. Verified by its CRC-32 in a checksummed upload, else (None) by other means.

        Raises UploadGone.
        """

    def copy_part(self, upload: MultipartUpload, number: int, *, body: Body) -> tuple[str, int | None]:
        """Let the store copy a range of the source bucket: ETag, and the CRC-32 where the answer has it.

        Raises SourceChanged if the object is gone or another version, and UploadGone.
        """

    def copy_object(
        self, upload: MultipartUpload, number: int, *, key: str, start: int, size: int
    ) -> tuple[str, int | None]:
        """The same from an object of the archive bucket."""

    def complete(self, upload: MultipartUpload, parts: Sequence[PartReceipt], *, size: int, crc32: int | None) -> None:
        """Complete an upload whose object must not exist yet. With `crc32` the store verifies the whole object, and
        every part has a CRC-32.

        Raises UploadGone if the upload is not there, for instance because it was completed before, or if it met another
        request for the same object, after which a new upload must be begun.
        """

    def abort(self, upload: MultipartUpload) -> None:
        """Abort, again and again until the store knows the upload no more: copies in flight may land after it."""

    def open_uploads(self, prefix: str) -> list[MultipartUpload]:
        """Multipart uploads below `prefix` that are neither completed nor aborted."""

    def size_of(self, key: str) -> int | None:
        """Size of an object of the archive bucket, None if there is none."""

    def put(self, key: str, body: bytes | bytearray) -> None:
        """Write a staging object."""

    def get(self, key: str) -> bytes:
        """Read a staging object."""

    def find(self, key: str) -> bytes | None:
        """Read a staging object, None if there is none."""

    def get_range(self, key: str, *, start: int, size: int) -> bytes:
        """Read bytes [start, start + size) of a staging object."""

    def delete_below(self, prefix: str) -> None:
        """Delete every object below `prefix`."""

    def read_many(self, bodies: Sequence[Body]) -> Iterator[bytes]:
        """Read ranges of the source bucket side by side, in their order.

        Raises SourceChanged if an object is gone or another version.
        """

    def crc_of(self, body: Body) -> BodyCrc:
        """Read a range of the source bucket in small pieces and keep only its CRC-32. Raises SourceChanged."""

    def probe_copy_checksums(self) -> bool:
        """Whether copies return their CRC-32 and Complete verifies the whole object's: tried on one part."""


class ChunkOutcome(StrEnum):
    """What became of the receipt of a chunk."""

    RECORDED = "recorded"
    DUPLICATE = "duplicate"
    STALE = "stale"  # the archive has been forgotten; nothing was written


class ChunkState(NamedTuple):
    """What the table knows of a chunk that is to be built."""

    job: Job | None
    archive: Archive | None
    recorded: bool


class AssemblyTable(Protocol):
    """Durable state of archives. Every method may raise TableUnavailable."""

    # --- planning

    def saved_plan(self, job: Job) -> str | None:
        """The key of the state in which planning this generation was left, None before it was first saved."""

    def save_plan(self, job: Job, *, state: str, before: str | None, step: str, now: int) -> bool:
        """Save the key of a new state in the place of `before`, while the job is processing in this generation.

        False if the job has ended, or another planner has saved one. `step` is for operators.
        """

    def open_archives(self, job: Job, trigger: Trigger, *, archives: Sequence[Archive], event: JobEvent) -> bool:
        """Save the archives of a generation before their first chunk is sent, with the transition and the job's size.

        False if the job has ended, is in another generation, or another planner has opened them.
        """

    # --- building

    def archives(self, job_id: str, generation: int | None = None) -> list[Archive]:
        """The archives of a generation, or of all, in the order of generations and numbers."""

    def chunk_state(self, job_id: str, generation: int, *, number: int, phase: Phase, chunk: int) -> ChunkState:
        """Job, archive `number` of a generation, and whether this chunk is recorded, in one read."""

    def record_chunk(self, archive: Archive, chunk: int, *, receipt: Receipt, now: int) -> ChunkOutcome:
        """Store the receipt of a chunk of the archive's phase and count it, once and only while it is in this phase."""

    def receipts(
        self, archive: Archive, phase: Phase, *, chunks: Sequence[int] | None = None
    ) -> Iterator[tuple[int, Receipt]]:
        """Chunk numbers and receipts of a phase in any order: of all its chunks, or of those named."""

    def recorded_chunks(self, archive: Archive) -> set[int]:
        """Which chunks of the current phase are recorded."""

    def enter_phase(self, archive: Archive, phase: Phase, *, now: int) -> Archive | None:
        """Move from `archive.phase`, all of whose chunks are recorded, to `phase`. None if another worker was first."""

    def begin_completing(self, archive: Archive, *, now: int) -> None:
        """Note that an upload of the archive's phase is being completed, before the store is asked to."""

    def report_progress(self, job: Job, *, assembled: int, now: int, not_after: int | None) -> bool:
        """Let clients see how much work is done, if that is more than they saw last, and they saw it at `not_after` at
        the latest (None: whenever)."""

    # --- beginning again, ending

    def next_generation(self, job: Job, changed: Sequence[str], *, event: JobEvent) -> bool:
        """Begin a new generation because the files with these keys changed. False if another worker was first."""

    def changed_keys(self, job: Job) -> list[str]:
        """The keys of the files that changed since a client set the job going, each as often as it changed."""

    def replace_results(self, job: Job, results: Mapping[int, FileResult], *, counts: Counts, size: int) -> bool:
        """Replace results of files by index, and add `counts` and `size` to the job's: once for each generation."""

    def forget_archives(self, archives: Sequence[Archive]) -> None:
        """Delete the rows of archives whose uploads are gone."""

    def cleaned_up(self, job: Job, *, sweep_at: int | None) -> None:
        """Nothing of an ended job needs cleaning before `sweep_at` (None: ever)."""

    # --- facts about the store

    def remember(self, values: Mapping[str, str], *, until: int) -> None:
        """Remember facts about the store by name, until an epoch second."""

    def recall(self, names: Sequence[str], *, now: int) -> dict[str, str]:
        """Those of the names that are remembered at this epoch second."""
