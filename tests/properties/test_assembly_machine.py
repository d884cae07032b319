"""Archives under every misfortune: messages repeated, reordered, lost; workers dying at any write; objects changing."""

from __future__ import annotations

import contextlib
import io
import random
import zipfile
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chalicelib.assembly.archive_planning import SMALL_BYTES
from chalicelib.assembly.planner import PLAN_MS
from chalicelib.errors import JobAlreadyEnded, LorryError
from chalicelib.jobs.model import Job, JobStatus
from tests.support.assembly_world import PLENTY, SMALL, AssemblyWorld
from tests.support.builders import ALICE, SWEEP_AFTER
from tests.support.fake_assembly import FakeStore
from tests.support.fake_job_table import FakeJobTable
from tests.support.fakes import Crash

SIZES = st.lists(st.sampled_from([0, 3, 40, 499, 500, 900, 1_500, 4_000, 12_000]), min_size=1, max_size=9)

STORES = st.fixed_dictionaries({"copies_tell": st.booleans(), "heads_tell": st.booleans()})
HOW = st.fixed_dictionaries(
    {
        "seconds_left": st.sampled_from([80.0, PLENTY]),  # each chunk is a message, or a worker builds on
        "plan_ms": st.sampled_from([0, PLAN_MS]),  # planning stops wherever it can, or takes one message
        "small_bytes": st.sampled_from([0, SMALL_BYTES]),  # the end is many chunks, or one
        "max_bytes": st.sampled_from([9_000, 10**12]),
    }
)


class AssemblyMachine(RuleBasedStateMachine):
    """One job with an archive."""

    world: AssemblyWorld
    job: Job

    @initialize(sizes=SIZES, store=STORES, seed=st.integers(0, 99), fail=st.booleans(), how=HOW)
    def begin(self, sizes: list[int], store: dict[str, bool], seed: int, fail: bool, how: dict[str, Any]) -> None:
        self.chance = random.Random(seed)
        self.world = AssemblyWorld(FakeStore(SMALL, **store), **how)
        bodies = {70_000 + n: self.chance.randbytes(size) for n, size in enumerate(sizes)}
        self.versions = {f"{number}.zip": {body} for number, body in bodies.items()}
        self.job = self.world.start_archive(dict(bodies), on_missing="fail" if fail else "skip")
        self.progress = 0
        self.ended: Job | None = None

    @property
    def table(self) -> FakeJobTable:
        return self.world.table

    @rule(place=st.integers(0, 50), keep=st.booleans())
    def deliver(self, place: int, keep: bool) -> None:
        """Any message; kept, it will be delivered again."""
        messages = self.world.queue.messages
        if messages:
            message = messages[place % len(messages)]
            if not keep:
                messages.remove(message)
            with contextlib.suppress(Crash, LorryError):
                self.world.handle(message)

    @rule(place=st.integers(0, 50), writes=st.integers(0, 12), after=st.booleans())
    def die_while_handling(self, place: int, writes: int, after: bool) -> None:
        """The worker dies at a write to table or store; its message comes back."""
        messages = self.world.queue.messages
        if messages:
            self.table.crash_in, self.table.crash_after_write = writes, after
            with contextlib.suppress(Crash, LorryError):
                self.world.handle(messages[place % len(messages)])
            self.table.crash_in = None

    @rule(place=st.integers(0, 50))
    def lose(self, place: int) -> None:
        messages = self.world.queue.messages
        if messages:
            messages.pop(place % len(messages))

    @rule(place=st.integers(0, 8), size=st.sampled_from([0, 3, 600, 4_000]))
    def replace_object(self, place: int, size: int) -> None:
        names = list(self.versions)
        name = names[place % len(names)]
        body = self.chance.randbytes(size)
        self.versions[name].add(body)
        self.world.bucket.put_source(f"downloads/{name}", body)

    @rule(place=st.integers(0, 8))
    def delete_object(self, place: int) -> None:
        names = list(self.versions)
        self.world.bucket.source.pop(f"downloads/{names[place % len(names)]}", None)

    @precondition(lambda self: self.chance.random() < 0.2)
    @rule(place=st.integers(0, 8))
    def abort_an_upload_from_outside(self, place: int) -> None:
        uploads = list(self.world.bucket.uploads)
        if uploads:
            del self.world.bucket.uploads[uploads[place % len(uploads)]]

    @precondition(lambda self: self.chance.random() < 0.1)
    @rule()
    def cancel(self) -> None:
        with contextlib.suppress(JobAlreadyEnded):
            self.world.service.cancel(self.job.job_id, ALICE)

    @rule(seconds=st.sampled_from([1, SWEEP_AFTER, 10 * SWEEP_AFTER]))
    def sweep(self, seconds: int) -> None:
        self.world.clock.advance(seconds)
        self.world.sweep()

    @invariant()
    def the_end_is_final_and_progress_never_goes_back(self) -> None:
        current = self.world.job(self.job.job_id)
        assert current.progress >= self.progress
        self.progress = current.progress
        if self.ended is not None:
            assert current.status is self.ended.status
        self.ended = current if current.status.ended else None
        assert current.counts.processed <= current.total

    def teardown(self) -> None:
        """With everything up, the job ends, its archive is whole, and nothing else is left."""
        for _ in range(200):
            if self.world.queue.messages:
                self.world.handle(self.world.queue.messages.pop(0))
                self.the_end_is_final_and_progress_never_goes_back()
            elif not self._over():
                self.world.clock.advance(64 * SWEEP_AFTER)
                self.world.sweep()
        assert self._over()
        self._check_archive(self.world.job(self.job.job_id))

    def _over(self) -> bool:
        current = self.world.job(self.job.job_id)
        if not current.status.ended or self.world.queue.messages:
            return False
        return current.sweep_at in (0, current.expires_at)  # cleaned up

    def _check_archive(self, job: Job) -> None:
        bucket = self.world.bucket
        assert not bucket.uploads, "an upload is still open"
        if job.status is not JobStatus.READY:
            assert not bucket.objects
            return
        archives = self.world.archives.archives(job.job_id, job.generation)
        assert sorted(bucket.objects) == [archive.key for archive in archives]
        found = 0
        for archive in archives:
            assert len(bucket.objects[archive.key]) == archive.size
            with zipfile.ZipFile(io.BytesIO(bucket.objects[archive.key])) as reader:
                assert reader.testzip() is None
                names = reader.namelist()[:-1]
                assert len(names) + 1 == archive.entries
                assert all(reader.read(name) in self.versions[name] for name in names)
                found += len(names)
        assert found == job.available


TestAssemblyMachine = AssemblyMachine.TestCase
TestAssemblyMachine.settings = settings(
    max_examples=60, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
)
