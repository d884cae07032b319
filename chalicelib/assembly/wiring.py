"""Puts the pieces of assembly together, for the container and for tests alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from chalicelib.archive.rules import S3, S3Limits
from chalicelib.assembly.builder import ChunkBuilder
from chalicelib.assembly.checksums import Checksums
from chalicelib.assembly.chunks import MAX_BODIES
from chalicelib.assembly.cleaner import Cleaner
from chalicelib.assembly.finisher import Finisher
from chalicelib.assembly.lifecycle import ArchiveLifecycle
from chalicelib.assembly.planner import ArchivePlanner
from chalicelib.assembly.ports import ArchiveStore, AssemblyTable
from chalicelib.assembly.replanning import LOOK_AT_ALL, Replanner
from chalicelib.assembly.worker import AssemblyWorker
from chalicelib.checking.ports import SourceStore
from chalicelib.jobs.lifecycle import JobLifecycle
from chalicelib.jobs.ports import JobTable, WorkQueue


@dataclass(frozen=True, slots=True)
class Outside:
    """The outside world of assembly."""

    jobs: JobTable
    table: AssemblyTable
    store: ArchiveStore
    source: SourceStore
    queue: WorkQueue


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What an operator chose. `store_name` tells stores apart in what is remembered of them."""

    crc_source: str
    max_bytes: int
    store_name: str
    limits: S3Limits = S3
    max_bodies: int = MAX_BODIES
    look_at_all: int = LOOK_AT_ALL


def assembled(outside: Outside, choices: Choices, lifecycle: JobLifecycle, now: Callable[[], int]) -> AssemblyWorker:
    """`now()` is epoch milliseconds."""
    jobs, table, store, source = outside.jobs, outside.table, outside.store, outside.source
    assembly = ArchiveLifecycle(jobs, table, outside.queue, lifecycle, now)
    checksums = Checksums(table, store, source, lambda: now() // 1000, choices.crc_source, choices.store_name)
    builder = ChunkBuilder(store, table)
    planner = ArchivePlanner(
        jobs=jobs,
        table=table,
        store=store,
        lifecycle=assembly,
        replanner=Replanner(jobs, table, store, source, lifecycle, choices.look_at_all),
        checksums=checksums,
        now=now,
        max_bytes=choices.max_bytes,
        limits=choices.limits,
        max_bodies=choices.max_bodies,
    )
    return AssemblyWorker(
        jobs=jobs,
        table=table,
        planner=planner,
        builder=builder,
        finisher=Finisher(jobs, table, store, builder, checksums, choices.max_bytes, choices.limits),
        cleaner=Cleaner(jobs, table, store, now),
        lifecycle=assembly,
        now=now,
    )
