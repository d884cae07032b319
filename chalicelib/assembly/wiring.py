"""Puts assembly together, for the container and for tests alike."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from chalicelib.assembly.archive_planning import PlanRules
from chalicelib.assembly.builder import ChunkBuilder
from chalicelib.assembly.checksums import Checksums
from chalicelib.assembly.cleaner import Cleaner
from chalicelib.assembly.finisher import Finisher
from chalicelib.assembly.lifecycle import ArchiveLifecycle
from chalicelib.assembly.planner import PLAN_MS, ArchivePlanner
from chalicelib.assembly.planning import Planning
from chalicelib.assembly.plans import PlanReader
from chalicelib.assembly.ports import ArchiveStore, AssemblyTable, Executors
from chalicelib.assembly.replanning import LOOK_AT_ALL, Replanner
from chalicelib.assembly.worker import AssemblyWorker
from chalicelib.checking.ports import SourceStore
from chalicelib.jobs.lifecycle import JobLifecycle
from chalicelib.jobs.ports import JobTable, WorkQueue


class Outside(msgspec.Struct, frozen=True, kw_only=True):
    """The outside world of assembly. `now()` is epoch milliseconds; `token()` gives a name that nothing else has."""

    jobs: JobTable
    table: AssemblyTable
    store: ArchiveStore
    source: SourceStore
    queue: WorkQueue
    executors: Executors
    now: Callable[[], int]
    token: Callable[[], str]


class Choices(msgspec.Struct, frozen=True, kw_only=True):
    """What an operator chose. `store_name` distinguishes stores in what is remembered of them."""

    crc_source: str
    store_name: str
    rules: PlanRules
    look_at_all: int = LOOK_AT_ALL
    plan_ms: int = PLAN_MS


def build_worker(outside: Outside, choices: Choices, lifecycle: JobLifecycle) -> AssemblyWorker:
    jobs, table, store, source = outside.jobs, outside.table, outside.store, outside.source
    executors, now = outside.executors, outside.now
    archives = ArchiveLifecycle(jobs, table, outside.queue, lifecycle, now)
    checksums = Checksums(
        table, store, source, executors, lambda: now() // 1000, choices.crc_source, choices.store_name
    )
    plans = PlanReader(store)
    builder = ChunkBuilder(store, table, plans, checksums, executors)
    planner = ArchivePlanner(
        jobs=jobs,
        table=table,
        store=store,
        queue=outside.queue,
        lifecycle=archives,
        replanner=Replanner(jobs, table, store, source, lifecycle, executors, choices.look_at_all),
        planning=Planning(jobs, checksums, choices.rules),
        executors=executors,
        now=now,
        token=outside.token,
        plan_ms=choices.plan_ms,
    )
    return AssemblyWorker(
        jobs=jobs,
        table=table,
        planner=planner,
        builder=builder,
        finisher=Finisher(table, store, plans, builder),
        cleaner=Cleaner(jobs, table, store, now),
        lifecycle=archives,
        now=now,
    )
