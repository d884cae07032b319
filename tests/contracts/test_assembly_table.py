"""AssemblyTable on the fake and on DynamoDB, as moto has it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.assembly.model import Archive, BodyCrc, PartReceipt, Phase, Receipt
from chalicelib.assembly.ports import AssemblyTable, ChunkOutcome, ChunkState
from chalicelib.jobs.model import ArchiveRequest, Counts, FileResult, FileState, Job, Step
from chalicelib.jobs.ports import Change, JobTable
from chalicelib.jobs.state_machine import Trigger
from tests.support import builders
from tests.support.aws import emulated_aws
from tests.support.builders import event, files, job
from tests.support.fake_assembly import FakeAssemblyTable
from tests.support.fake_job_table import FakeJobTable
from tests.support.tables import assembly_table, create_table, job_table

ONE = job().job_id
NOW = 1_700_000_001_000
GONE = FileResult(FileState.MISSING, reason="not_found")
ARCHIVE = builders.archive()
RECEIPT = Receipt((PartReceipt(0, 1, "etag", 50, None), PartReceipt(1, 2, "e", 7, 5)), (BodyCrc(3, 0, 50, 9),), 50)
Tables = tuple[JobTable, AssemblyTable]


@pytest.fixture(params=["fake", "dynamodb"])
def both(request: pytest.FixtureRequest) -> Iterator[Tables]:
    """A job's table and its assembly's, with a job whose only file is checked."""
    if request.param == "fake":
        fake = FakeJobTable()
        yield _with_job(fake, FakeAssemblyTable(fake))
        return
    with emulated_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_table(client, "jobs")
        yield _with_job(job_table(client), assembly_table(client))


def _with_job(jobs: JobTable, assembly: AssemblyTable) -> Tables:
    jobs.create(job(archive=ArchiveRequest()), [files(70000)], event=event())
    begun = jobs.apply(Change(job_id=ONE, trigger=Trigger.START, event=event("started")))
    assert begun is not None
    jobs.record_batch(begun, 0, results=[FileResult(FileState.AVAILABLE, size=7)], advance=None, now=NOW)
    jobs.apply(Change(job_id=ONE, trigger=Trigger.ASSEMBLE, event=event("checked"), all_checked=True))
    return jobs, assembly


def read(jobs: JobTable) -> Job:
    found = jobs.get(ONE)
    assert found is not None
    return found


def opened(both: Tables, *archives: Archive, trigger: Trigger = Trigger.BUILD) -> None:
    jobs, assembly = both
    assert assembly.open_archives(read(jobs), trigger, archives=archives or [ARCHIVE], event=event("planned", NOW))


def cancelled(jobs: JobTable) -> None:
    jobs.apply(Change(job_id=ONE, trigger=Trigger.CANCEL, event=event("cancelled")))


# --- planning -------------------------------------------------------------------------------


def test_the_state_of_planning_is_saved_in_the_place_of_the_one_before(both: Tables) -> None:
    jobs, assembly = both
    assert assembly.saved_plan(read(jobs)) is None
    assert assembly.save_plan(read(jobs), state="first", before=None, step="collect", now=NOW)
    assert assembly.saved_plan(read(jobs)) == "first"
    assert assembly.save_plan(read(jobs), state="second", before="first", step="name", now=NOW + 1)
    assert assembly.saved_plan(read(jobs)) == "second"
    assert read(jobs).updated_at == NOW + 1


@pytest.mark.parametrize("before", [None, "another"])
def test_of_two_planners_one_saves_its_state(both: Tables, before: str | None) -> None:
    jobs, assembly = both
    assembly.save_plan(read(jobs), state="first", before=None, step="collect", now=NOW)
    seen = read(jobs)
    assert not assembly.save_plan(seen, state="other", before=before, step="collect", now=NOW + 1)
    assert (assembly.saved_plan(seen), read(jobs)) == ("first", seen)


def test_no_state_is_saved_for_an_ended_job_or_another_generation(both: Tables) -> None:
    jobs, assembly = both
    before = read(jobs)
    assert assembly.next_generation(before, [], event=event())
    assert not assembly.save_plan(before, state="late", before=None, step="collect", now=NOW)
    cancelled(jobs)
    assert not assembly.save_plan(read(jobs), state="late", before=None, step="collect", now=NOW)


def test_opened_archives_are_read_as_they_were_saved(both: Tables) -> None:
    jobs, assembly = both
    second = replace(ARCHIVE, number=2, size=1_000)
    opened(both, ARCHIVE, second)
    assert assembly.archives(ONE, 1) == assembly.archives(ONE) == [ARCHIVE, second]
    assert assembly.archives(ONE, 2) == []
    after = read(jobs)
    assert (after.to_assemble, after.assembled, after.step) == (1_100, 0, Step.ASSEMBLING)


def test_archives_are_opened_once(both: Tables) -> None:
    jobs, assembly = both
    before = read(jobs)
    opened(both)
    other = replace(ARCHIVE, plan="other")
    assert not assembly.open_archives(before, Trigger.BUILD, archives=[other], event=event("planned"))
    assert not assembly.open_archives(read(jobs), Trigger.BUILD, archives=[other], event=event("planned"))
    assert assembly.archives(ONE, 1) == [ARCHIVE]


def test_archives_that_must_be_read_first_set_the_step(both: Tables) -> None:
    jobs, _ = both
    opened(both, replace(ARCHIVE, phase=Phase.CHECKSUM), trigger=Trigger.CHECKSUM)
    assert read(jobs).step is Step.CHECKSUMMING


def test_an_ended_job_opens_nothing(both: Tables) -> None:
    jobs, assembly = both
    before = read(jobs)
    cancelled(jobs)
    assert not assembly.open_archives(before, Trigger.BUILD, archives=[ARCHIVE], event=event("planned"))
    assert assembly.archives(ONE) == []


# --- building -------------------------------------------------------------------------------


def test_a_chunk_is_recorded_once(both: Tables) -> None:
    jobs, assembly = both
    opened(both)
    assert assembly.record_chunk(ARCHIVE, 2, receipt=RECEIPT, now=NOW + 5) is ChunkOutcome.RECORDED
    assert assembly.record_chunk(ARCHIVE, 2, receipt=Receipt(), now=NOW + 9) is ChunkOutcome.DUPLICATE
    after = replace(ARCHIVE, recorded=1, done_bytes=50, updated_at=NOW + 5)
    assert assembly.archives(ONE, 1) == [after]
    assert list(assembly.receipts(ARCHIVE, Phase.BODY)) == [(2, RECEIPT)]
    assert assembly.recorded_chunks(ARCHIVE) == {2}
    assert assembly.chunk_state(ONE, 1, number=1, phase=Phase.BODY, chunk=2) == ChunkState(read(jobs), after, True)
    assert assembly.chunk_state(ONE, 1, number=1, phase=Phase.BODY, chunk=1) == ChunkState(read(jobs), after, False)
    assert assembly.chunk_state(ONE, 1, number=2, phase=Phase.BODY, chunk=2) == ChunkState(read(jobs), None, False)


def test_a_chunk_of_a_phase_that_is_over_was_done_before(both: Tables) -> None:
    _, assembly = both
    opened(both)
    for chunk in range(3):
        assembly.record_chunk(ARCHIVE, chunk, receipt=RECEIPT, now=NOW)
    (complete,) = assembly.archives(ONE)
    assert assembly.enter_phase(complete, Phase.FINISH, now=NOW)
    assert assembly.record_chunk(ARCHIVE, 9, receipt=RECEIPT, now=NOW) is ChunkOutcome.DUPLICATE
    assert assembly.recorded_chunks(ARCHIVE) == {0, 1, 2}


def test_a_chunk_of_a_later_phase_or_a_forgotten_archive_is_stale(both: Tables) -> None:
    _, assembly = both
    opened(both)
    finishing = replace(ARCHIVE, phase=Phase.FINISH)
    assert assembly.record_chunk(finishing, 0, receipt=RECEIPT, now=NOW) is ChunkOutcome.STALE
    assembly.forget_archives([ARCHIVE])
    assert assembly.archives(ONE) == []
    assert assembly.record_chunk(ARCHIVE, 0, receipt=RECEIPT, now=NOW) is ChunkOutcome.STALE
    assert assembly.recorded_chunks(ARCHIVE) == set()


@pytest.mark.parametrize("chunks", [3, 150])
def test_all_receipts_of_a_phase_are_read_and_those_of_named_chunks(both: Tables, chunks: int) -> None:
    _, assembly = both
    many = replace(ARCHIVE, chunks={Phase.BODY: chunks, Phase.FINISH: 1})
    opened(both, many)
    wanted = {number: replace(RECEIPT, done=number) for number in range(chunks)}
    for number, receipt in wanted.items():
        assembly.record_chunk(many, number, receipt=receipt, now=NOW)
    assert dict(assembly.receipts(many, Phase.BODY)) == wanted
    assert dict(assembly.receipts(many, Phase.BODY, chunks=[0, 2])) == {0: wanted[0], 2: wanted[2]}
    assert assembly.recorded_chunks(many) == set(wanted)
    assert list(assembly.receipts(many, Phase.FINISH)) == []


def test_a_phase_is_entered_once_and_only_when_the_one_before_is_complete(both: Tables) -> None:
    _, assembly = both
    opened(both)
    for chunk in range(2):
        assembly.record_chunk(ARCHIVE, chunk, receipt=RECEIPT, now=NOW)
    assert assembly.enter_phase(ARCHIVE, Phase.FINISH, now=NOW) is None
    assembly.record_chunk(ARCHIVE, 2, receipt=RECEIPT, now=NOW)
    (complete,) = assembly.archives(ONE)
    entered = assembly.enter_phase(complete, Phase.FINISH, now=NOW + 7)
    assert entered == replace(complete, phase=Phase.FINISH, recorded=0, updated_at=NOW + 7)
    assert assembly.archives(ONE) == [entered]
    for chunk in range(3):
        assert assembly.enter_phase(complete, Phase.FINISH, now=NOW + 8) is None
        assembly.record_chunk(entered, chunk, receipt=RECEIPT, now=NOW + 9)
    assert assembly.enter_phase(complete, Phase.FINISH, now=NOW + 10) is None  # nor once as many are recorded
    assert assembly.archives(ONE)[0].recorded == 3


def test_when_a_completion_was_asked_for_is_noted_until_the_phase_is_over(both: Tables) -> None:
    _, assembly = both
    opened(both)
    assembly.begin_completing(replace(ARCHIVE, phase=Phase.FINISH), now=NOW + 1)
    assert assembly.archives(ONE)[0].completing_at == 0
    assembly.begin_completing(ARCHIVE, now=NOW + 2)
    assert assembly.archives(ONE)[0].completing_at == NOW + 2
    for chunk in range(3):
        assembly.record_chunk(ARCHIVE, chunk, receipt=RECEIPT, now=NOW)
    entered = assembly.enter_phase(assembly.archives(ONE)[0], Phase.FINISH, now=NOW + 7)
    assert entered is not None and entered.completing_at == 0
    assert assembly.archives(ONE) == [entered]


def test_progress_is_reported_when_it_is_more_and_not_too_often(both: Tables) -> None:
    jobs, assembly = both
    opened(both)
    assert assembly.report_progress(read(jobs), assembled=50, now=NOW + 10, not_after=NOW)
    assert (read(jobs).assembled, read(jobs).updated_at) == (50, NOW + 10)
    assert not assembly.report_progress(read(jobs), assembled=60, now=NOW + 20, not_after=NOW + 9)
    assert not assembly.report_progress(read(jobs), assembled=50, now=NOW + 20, not_after=None)
    assert assembly.report_progress(read(jobs), assembled=60, now=NOW + 20, not_after=None)
    cancelled(jobs)
    assert not assembly.report_progress(read(jobs), assembled=70, now=NOW + 30, not_after=None)


# --- beginning again ------------------------------------------------------------------------


def test_the_keys_of_changed_files_are_remembered_until_a_client_starts_the_job_again(both: Tables) -> None:
    jobs, assembly = both
    long = "downloads/" + "x" * 1_000
    for keys in ([long, "b"], [], [long]):
        assert assembly.next_generation(read(jobs), keys, event=event("source_changed"))
    job_now = read(jobs)
    assert (job_now.generation, job_now.replans) == (4, 3)
    assert sorted(assembly.changed_keys(job_now)) == ["b", long, long]
    jobs.apply(Change(job_id=ONE, trigger=Trigger.FAIL, event=event("failed")))
    jobs.apply(Change(job_id=ONE, trigger=Trigger.RETRY, event=event("retried")))
    assert assembly.changed_keys(read(jobs)) == []


def test_a_generation_begins_once_from_the_progress_that_clients_saw(both: Tables) -> None:
    jobs, assembly = both
    opened(both)
    before = read(jobs)
    assembly.report_progress(before, assembled=75, now=NOW, not_after=None)
    assert not assembly.next_generation(before, [], event=event())
    seen = read(jobs)
    assert assembly.next_generation(seen, [], event=event())
    assert not assembly.next_generation(seen, [], event=event())
    after = read(jobs)
    assert (after.progress, after.assembled, after.to_assemble) == (seen.progress, 0, 0)


def test_results_are_replaced_once_for_each_generation(both: Tables) -> None:
    jobs, assembly = both
    assembly.next_generation(read(jobs), ["downloads/70000.zip"], event=event())
    seen = read(jobs)
    assert assembly.replace_results(seen, {0: GONE}, counts=Counts(-1, 1, 0), size=-7)
    assert not assembly.replace_results(seen, {0: GONE}, counts=Counts(-1, 1, 0), size=-7)
    after = read(jobs)
    assert (after.counts, after.size, after.replanned) == (Counts(0, 1, 0), 0, 2)
    assert jobs.read_results(after, [0]) == {0: (GONE,)}


def test_cleaning_up_is_noted_unless_the_job_began_again(both: Tables) -> None:
    jobs, assembly = both
    seen = read(jobs)
    assembly.cleaned_up(seen, sweep_at=NOW + 9)
    assert read(jobs).sweep_at == NOW + 9
    assembly.next_generation(seen, [], event=event())
    assembly.cleaned_up(seen, sweep_at=None)
    assert read(jobs).sweep_at == NOW + 9


# --- versions, facts ------------------------------------------------------------------------


def test_the_version_grows_with_each_step_of_an_assembly_that_a_client_sees(both: Tables) -> None:
    jobs, assembly = both
    steps: list[Callable[[], bool]] = [
        lambda: assembly.save_plan(read(jobs), state="s", before=None, step="collect", now=NOW),
        lambda: assembly.open_archives(read(jobs), Trigger.BUILD, archives=[ARCHIVE], event=event("planned")),
        lambda: assembly.report_progress(read(jobs), assembled=50, now=NOW, not_after=None),
        lambda: assembly.next_generation(read(jobs), ["downloads/70000.zip"], event=event("replanned")),
        lambda: assembly.replace_results(read(jobs), {0: GONE}, counts=Counts(-1, 1, 0), size=-7),
    ]
    versions = [read(jobs).version]
    for step in steps:
        assert step()
        versions.append(read(jobs).version)
    assert versions == list(range(versions[0], versions[0] + len(steps) + 1))


def test_the_version_stays_where_a_step_changes_nothing_that_a_client_sees(both: Tables) -> None:
    jobs, assembly = both
    opened(both)
    seen = read(jobs)
    assert not assembly.open_archives(seen, Trigger.BUILD, archives=[ARCHIVE], event=event("planned"))
    for chunk in (0, 1, 2, 2):
        assembly.record_chunk(ARCHIVE, chunk, receipt=RECEIPT, now=NOW)
    assembly.enter_phase(assembly.archives(ONE)[0], Phase.FINISH, now=NOW)
    assembly.cleaned_up(seen, sweep_at=NOW + 9)
    assert read(jobs).version == seen.version


def test_facts_are_remembered_for_a_while(both: Tables) -> None:
    _, assembly = both
    assembly.remember({"a": "1", "b": "2"}, until=100)
    assembly.remember({"b": "3"}, until=200)
    assert assembly.recall(["a", "b", "c"], now=99) == {"a": "1", "b": "3"}
    assert assembly.recall(["a", "b", "c"], now=100) == {"b": "3"}
    assert assembly.recall([], now=1) == {}
