"""How parts become chunks."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

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
from chalicelib.assembly.chunks import CHUNK_LIMITS, READ_BYTES, ChunkCutter, ChunkLimits, estimated_seconds
from chalicelib.assembly.model import CrcSource, Phase
from chalicelib.limits import GiB, MiB

Chunks = dict[tuple[Phase, int], tuple[Task, ...]]
SMALL = 1_000


def whole(entry: int, size: int) -> Body:
    return Body(entry, f"key-{entry}", f"etag-{entry}", 0, size)


def header(entry: int, size: int, crc32: int | None = None) -> Header:
    return Header(entry, f"name-{entry}", size, 0, crc32)


def copied(entry: int, size: int, parts: int, head: int = 10, crc32: int | None = None) -> list[tuple[Any, Any]]:
    """A body that S3 copies in so many parts: the literal part before it, and the copies."""
    body = whole(entry, size)
    first: tuple[Source, ...] = (header(entry, size, crc32),)
    if head:
        first += (Body(entry, body.key, body.etag, 0, head),)
    share = (size - head) // parts
    bounds = [head + share * part for part in range(parts)] + [size]
    ranges = itertools.pairwise(bounds)
    copies = [Copy(0, 2, Body(entry, body.key, body.etag, start, stop - start)) for start, stop in ranges]
    return [(Literal(0, 1, 40 + head, first), body), *((copy, None) for copy in copies)]


def small(*entries: int) -> Literal:
    sources = tuple(source for entry in entries for source in (header(entry, SMALL), whole(entry, SMALL)))
    return Literal(0, 9, len(entries) * (SMALL + 36), sources)


def cut(parts: list[tuple[Any, Any]], crc_source: CrcSource = CrcSource.COPY, **options: Any) -> Chunks:
    chunks: Chunks = {}

    def emit(chunk: tuple[Phase, int], tasks: tuple[Task, ...]) -> None:
        assert chunk not in chunks
        chunks[chunk] = tasks

    cutter = ChunkCutter("place/", crc_source, emit=emit, **options)
    for part, body in parts:
        cutter.add(part, body)
    assert cutter.settled
    cutter.close()
    return chunks


def test_a_header_waits_for_the_chunks_of_the_copies_behind_it() -> None:
    chunks = cut([*copied(0, 3 * GiB, 6), *copied(1, 100 * MiB, 1)])

    (first,) = (tasks for (phase, _), tasks in chunks.items() if phase is Phase.HEADERS)
    headers = [part.sources[0] for part in first if isinstance(part, Literal)]
    waiting = [source for source in headers if isinstance(source, Header)]
    where = {
        entry: {number for (phase, number), tasks in chunks.items() if phase is Phase.BODY and entry in entries(tasks)}
        for entry in (0, 1)
    }
    assert {source.entry: set(source.chunks) for source in waiting} == where
    assert len(where[0]) > 1
    assert [(source.key, source.etag) for source in waiting] == [("key-0", "etag-0"), ("key-1", "etag-1")]


def entries(tasks: tuple[Task, ...]) -> set[int]:
    return {task.body.entry for task in tasks if isinstance(task, Copy)}


def test_a_known_crc_waits_for_nothing() -> None:
    chunks = cut(copied(0, 100 * MiB, 1, crc32=7), CrcSource.COPY)

    assert {phase for phase, _ in chunks} == {Phase.BODY}


def test_a_body_is_read_in_ranges_before_its_header_is_written() -> None:
    chunks = cut(copied(0, 2 * READ_BYTES + 5, 3), CrcSource.READ)

    read = [task.body for tasks in chunks.values() for task in tasks if isinstance(task, Read)]
    bounds = [0, READ_BYTES, 2 * READ_BYTES, 2 * READ_BYTES + 5]
    assert [(body.start, body.start + body.size) for body in read] == list(itertools.pairwise(bounds))
    (literal,) = (task for tasks in chunks.values() for task in tasks if isinstance(task, Literal))
    assert isinstance(literal.sources[0], Header)
    assert literal.sources[0].chunks == tuple(sorted(number for phase, number in chunks if phase is Phase.CHECKSUM))
    assert Phase.HEADERS not in {phase for phase, _ in chunks}


def test_a_chunk_is_closed_before_it_takes_too_long() -> None:
    chunks = cut([part for entry in range(40) for part in copied(entry, 200 * MiB, 1, crc32=1)])

    assert len(chunks) > 5
    for tasks in chunks.values():
        assert sum(map(estimated_seconds, tasks)) <= CHUNK_LIMITS.seconds or len(tasks) == 1
    numbers = sorted(number for phase, number in chunks if phase is Phase.BODY)
    assert numbers == list(range(len(numbers)))


def test_numbers_go_on_where_an_earlier_message_stopped() -> None:
    counts = {Phase.BODY: 7, Phase.HEADERS: 2}

    chunks = cut(copied(0, 100 * MiB, 1), counts=counts)
    assert set(chunks) == {(Phase.BODY, 7), (Phase.HEADERS, 2)}


def test_a_part_is_held_until_the_last_copy_behind_it() -> None:
    cutter = ChunkCutter("place/", CrcSource.COPY, emit=lambda *_: None)
    literal, *copies = copied(0, 3 * GiB, 3)
    settled = []
    for part, body in (literal, *copies):
        cutter.add(part, body)
        settled.append(cutter.settled)
    assert settled == [False, False, False, True]


@pytest.mark.parametrize("waits", [True, False])
def test_many_bodies_are_gathered_into_bundles_first(waits: bool) -> None:
    part = small(*range(25))
    parts: list[tuple[Any, Any]] = [(part, None)]
    if waits:
        (literal, body), copy = copied(99, 100 * MiB, 1)
        sources = (*part.sources, *literal.sources)
        parts = [(Literal(0, 1, part.size + literal.size, sources), body), copy]

    chunks = cut(parts, limits=ChunkLimits(bodies=10))
    gathers = [task for tasks in chunks.values() for task in tasks if isinstance(task, Gather)]
    assert [len([source for source in task.sources if isinstance(source, Body)]) for task in gathers] == [10, 10, 5]
    assert all(isinstance(task.sources[0], Header) for task in gathers)
    assert len({task.key for task in gathers}) == 3
    (built,) = (task for tasks in chunks.values() for task in tasks if isinstance(task, Literal))
    bundles = [source for source in built.sources if isinstance(source, Bundle)]
    assert [(bundle.key, bundle.size) for bundle in bundles] == [(task.key, task.size) for task in gathers]
    assert sum(bundle.size for bundle in bundles) == 25 * SMALL + sum(30 + len(f"name-{n}") + 9 for n in range(25))
    assert len(built.sources) - len(bundles) == (2 if waits else 0)


def test_intermediate_objects_are_completed_and_then_copied() -> None:
    chunks: Chunks = {}
    cutter = ChunkCutter("place/", CrcSource.COPY, emit=lambda chunk, tasks: chunks.update({chunk: tasks}))
    joins = [CopyObject(1, 1, 0, 100), CopyObject(2, 1, 100, 100), CopyObject(9, 2, 0, 50)]
    cutter.add_intermediates(2, joins)
    cutter.close()

    assert chunks[Phase.INTERMEDIATES, 0] == (CompleteUpload(1),)
    assert chunks[Phase.INTERMEDIATES, 1] == (CompleteUpload(2),)
    assert chunks[Phase.JOINS, 0] == tuple(joins)
