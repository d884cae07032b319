"""Puts the parts of an archive into chunks: what one message does, bounded in seconds of work and in bytes held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec
from msgspec.structs import replace

from chalicelib.archive.parts import (
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
from chalicelib.archive.records import header_size
from chalicelib.assembly.model import CrcSource, Phase
from chalicelib.limits import MiB

# Estimates for one worker, on the slow side.
SECONDS_PER_REQUEST = 0.01
LITERAL_BYTES_PER_SECOND = 20 * MiB  # read and uploaded again
COPIED_BYTES_PER_SECOND = 100 * MiB
READ_BYTES_PER_SECOND = 40 * MiB
SECONDS_TO_COMPLETE = 10.0
READ_BYTES = 256 * MiB  # one range that is read for its CRC-32


class ChunkLimits(msgspec.Struct, frozen=True):
    """A chunk is closed before it passes `seconds`. A task reads at most `bodies`: what has more is gathered first."""

    seconds: float = 10.0
    bodies: int = 1_000


CHUNK_LIMITS: Final = ChunkLimits()

Emit = Callable[[tuple[Phase, int], tuple[Task, ...]], None]  # takes chunk number n of a phase when it is closed


def estimated_seconds(task: Task) -> float:
    """What a task takes one worker, roughly."""
    match task:
        case Copy() | CopyObject():
            return 10 * SECONDS_PER_REQUEST + task.size / COPIED_BYTES_PER_SECOND
        case Read():
            return SECONDS_PER_REQUEST + task.body.size / READ_BYTES_PER_SECOND
        case CompleteUpload():
            return SECONDS_TO_COMPLETE
    return len(task.sources) * SECONDS_PER_REQUEST / 2 + task.size / LITERAL_BYTES_PER_SECOND


class _OpenChunk:
    """Takes consecutive tasks, `seconds` of work in all; one that takes longer stands alone."""

    def __init__(self, phase: Phase, seconds: float, *, counts: dict[Phase, int], emit: Emit) -> None:
        self._phase, self._limit, self._counts, self._emit = phase, seconds, counts, emit
        self._tasks: list[Task] = []
        self._seconds = 0.0
        self._number = 0

    def add(self, task: Task) -> int:
        """The number of the chunk that the task is in."""
        more = estimated_seconds(task)
        if self._seconds + more > self._limit:
            self.close()
        if not self._tasks:
            self._number = self._counts.get(self._phase, 0)
            self._counts[self._phase] = self._number + 1
        self._tasks.append(task)
        self._seconds += more
        return self._number

    def close(self) -> None:
        if self._tasks:
            self._emit((self._phase, self._number), tuple(self._tasks))
        self._tasks, self._seconds = [], 0.0


class _Waiting:
    """A literal part whose last header waits for the CRC-32s of the copies that follow it."""

    def __init__(self, part: Literal, whole: Body) -> None:
        self.part, self.whole = part, whole
        self.chunks: set[int] = set()


class ChunkCutter:
    """Takes the parts of one archive in their order. Holds an open chunk per kind of work, and one part that waits.

    A header of a copied body whose CRC-32 is not known comes after the copies where these tell it, else after the
    body was read. Bundles get keys below `place`. `counts` are the chunks that each phase has already.
    """

    def __init__(
        self,
        place: str,
        crc_source: CrcSource,
        *,
        emit: Emit,
        counts: Mapping[Phase, int] | None = None,
        limits: ChunkLimits = CHUNK_LIMITS,
    ) -> None:
        self._place, self._crc_source, self._max_bodies = place, crc_source, limits.bodies
        self._counts, self._seconds, self._emit = dict(counts or {}), limits.seconds, emit
        self._waiting: _Waiting | None = None
        self._reads = self._open(Phase.CHECKSUM)
        self._gathers = self._open(Phase.GATHER)
        self._copies = self._open(Phase.BODY)
        self._literals = self._open(Phase.BODY)
        self._headers = self._open(Phase.HEADERS)
        self._completions = self._open(Phase.INTERMEDIATES)
        self._joins = self._open(Phase.JOINS)

    def _open(self, phase: Phase) -> _OpenChunk:
        return _OpenChunk(phase, self._seconds, counts=self._counts, emit=self._emit)

    @property
    def settled(self) -> bool:
        """Whether no part waits: then the chunks can be closed, and another cutter can go on."""
        return self._waiting is None

    def add(self, part: Copy | Literal, whole: Body | None) -> None:
        """Add the next part. `whole` is the body that S3 copies from behind the head that ends a literal one."""
        if isinstance(part, Copy):
            self._add_copy(part)
        elif whole is None or _last_header(part.sources)[1].crc32 is not None:
            self._literals.add(self._gathered(part, part.sources))
        elif self._crc_source is CrcSource.COPY:
            self._waiting = _Waiting(part, whole)
        else:
            self._literals.add(self._with_chunks(part, whole, chunks=self._read(whole)))

    def add_intermediates(self, uploads: int, joins: Iterable[CopyObject]) -> None:
        """Add the completion of the intermediate objects, numbered from 1, and their copies into the archive."""
        for upload in range(1, uploads + 1):
            self._completions.add(CompleteUpload(upload))
        for join in joins:
            self._joins.add(join)

    def gather(self, sources: Sequence[Source], name: str) -> tuple[Source, ...]:
        """The bundles that these sources are gathered into first."""
        return tuple(self._bundles(sources, name))

    def close(self) -> None:
        """Close every chunk."""
        bodies = (self._reads, self._gathers, self._copies, self._literals)
        for open_chunk in (*bodies, self._headers, self._completions, self._joins):
            open_chunk.close()

    def _add_copy(self, copy: Copy) -> None:
        number = self._copies.add(copy)
        waiting = self._waiting
        if waiting is None:
            return
        waiting.chunks.add(number)
        if copy.body.start + copy.body.size == waiting.whole.size:
            self._headers.add(self._with_chunks(waiting.part, waiting.whole, chunks=waiting.chunks))
            self._waiting = None

    def _read(self, whole: Body) -> set[int]:
        """Read a body for its CRC-32, the ranges of a large one in several chunks; their numbers."""
        ranges = range(0, whole.size, READ_BYTES)
        bodies = (replace(whole, start=start, size=min(READ_BYTES, whole.size - start)) for start in ranges)
        return {self._reads.add(Read(body)) for body in bodies}

    def _with_chunks(self, part: Literal, whole: Body, *, chunks: Iterable[int]) -> Literal:
        """The part, its last header waiting for these chunks."""
        place, header = _last_header(part.sources)
        header = replace(header, chunks=tuple(sorted(chunks)), key=whole.key, etag=whole.etag)
        return self._gathered(part, part.sources[:place], waiting=(header, *part.sources[place + 1 :]))

    def _gathered(self, part: Literal, sources: Sequence[Source], *, waiting: tuple[Source, ...] = ()) -> Literal:
        """The part of `sources` and `waiting`, the former as bundles if it reads too many bodies."""
        if len(part.sources) > self._max_bodies and _bodies(part.sources) > self._max_bodies:
            sources = self.gather(sources, f"{part.upload}-{part.number}")
        return replace(part, sources=(*sources, *waiting))

    def _bundles(self, sources: Sequence[Source], name: str) -> Iterator[Bundle]:
        for index, some in enumerate(_cut_at_headers(sources, self._max_bodies)):
            bundle = Bundle(f"{self._place}bundle-{name}-{index}", sum(map(_size_of, some)))
            self._gathers.add(Gather(bundle.key, bundle.size, tuple(some)))
            yield bundle


def _last_header(sources: Sequence[Source]) -> tuple[int, Header]:
    """The header that ends a literal part, or has only a body behind it, and its place."""
    places = range(len(sources) - 1, -1, -1)
    return next((place, header) for place in places if isinstance(header := sources[place], Header))


def _bodies(sources: Sequence[Source]) -> int:
    return sum(isinstance(source, Body) for source in sources)


def _size_of(source: Source) -> int:
    return header_size(len(source.name.encode()), source.size) if isinstance(source, Header) else source.size


def _cut_at_headers(sources: Sequence[Source], max_bodies: int) -> Iterator[list[Source]]:
    """Stretches of at most `max_bodies` bodies, each cut in front of a header."""
    some: list[Source] = []
    bodies = 0
    for source in sources:
        if isinstance(source, Header) and bodies >= max_bodies:
            yield some
            some, bodies = [], 0
        some.append(source)
        bodies += isinstance(source, Body)
    if some:
        yield some
