"""What every JobTable keeps of a job's past: its audit trail, its versions, pages that go on where a cursor says."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import boto3
import pytest
from msgspec.structs import replace

from chalicelib.aws.dynamodb import ConditionFailed, Table
from chalicelib.aws.jobs_table import DynamoJobTable
from chalicelib.errors import InvalidRequest
from chalicelib.jobs.model import Actor, Failure, JobEvent, Stretch
from chalicelib.jobs.ports import EventPage, JobFilter, JobTable
from chalicelib.jobs.state_machine import Trigger
from tests.contracts.test_job_table import AVAILABLE, MISSING, NOW, ONE, change, processing, record, stored
from tests.support.aws import emulated_aws
from tests.support.builders import event, files, job
from tests.support.fake_job_table import FakeJobTable
from tests.support.tables import RETENTION, create_table, job_table


@pytest.fixture(params=["fake", "dynamodb"])
def table(request: pytest.FixtureRequest) -> Iterator[JobTable]:
    if request.param == "fake":
        yield FakeJobTable()
        return
    with emulated_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_table(client, "jobs")
        yield job_table(client)


# --- the audit trail --------------------------------------------------------------------


def trail(table: JobTable, limit: int = 1_000) -> list[JobEvent]:
    """The whole audit trail, page by page."""
    found: list[JobEvent] = []
    cursor = None
    while True:
        page = table.events(ONE, limit=limit, cursor=cursor)
        assert len(page.events) <= limit
        found.extend(page.events)
        cursor = page.next_cursor
        if cursor is None:
            return found


def test_a_note_is_appended_and_read_as_it_was_written(table: JobTable) -> None:
    stored(table)
    origin = Actor("user:bob", "request-7", "00-abc-def-01")
    note = JobEvent("links_issued", NOW, origin, {"count": 7, "what": "files", "none": None, "rest": [1, "two"]})
    table.note(ONE, note)
    assert trail(table) == [event(), note]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 8, 100])
def test_events_come_oldest_first_page_by_page_without_loss(table: JobTable, limit: int) -> None:
    stored(table)
    for n in (5, 3, 1, 4, 2, 6):
        table.note(ONE, event(f"note {n}", NOW + n))
    assert [line.kind for line in trail(table, limit)] == ["created", *(f"note {n}" for n in range(1, 7))]


def test_events_of_one_millisecond_are_all_kept_and_paged_through_once(table: JobTable) -> None:
    stored(table)
    for n in range(30):
        table.note(ONE, event(f"note {n}", NOW))
    for limit in (1, 7, 1_000):
        kinds = [line.kind for line in trail(table, limit)]
        assert sorted(kinds[1:]) == sorted(f"note {n}" for n in range(30))


def test_a_cursor_stays_where_it_was_while_events_are_added(table: JobTable) -> None:
    stored(table)
    for n in range(3):
        table.note(ONE, event(f"note {n}", NOW + n))
    first = table.events(ONE, limit=2, cursor=None)
    table.note(ONE, event("later", NOW + 9))
    rest = table.events(ONE, limit=9, cursor=first.next_cursor)
    assert [line.kind for line in first.events + rest.events] == ["created", "note 0", "note 1", "note 2", "later"]


def test_the_cost_of_a_messages_runs_is_added_up(table: JobTable) -> None:
    assert table.cost_of_runs(ONE, "CheckBatch#1") == 0
    for cost in (10, 10, -9):
        table.count_run(ONE, "CheckBatch#1", cost=cost, now=NOW)
    table.count_run(ONE, "CheckBatch#2", cost=1, now=NOW)
    assert (table.cost_of_runs(ONE, "CheckBatch#1"), table.cost_of_runs(ONE, "CheckBatch#2")) == (11, 1)


def test_the_trail_of_a_job_holds_no_other_s_events_and_no_other_rows(table: JobTable) -> None:
    record(processing(table), 0, [AVAILABLE, MISSING])
    table.note_error(ONE, 1, error=Failure("a", "first"), event=event("batch_retried", NOW + 1))
    table.create(job(job_id=ONE[:-1] + "2"), [files(70000)], event=event("of another"))
    assert [line.kind for line in trail(table)] == ["created", "start", "batch_retried"]


def test_an_unknown_job_has_no_events(table: JobTable) -> None:
    assert table.events("nobody", limit=9, cursor=None) == EventPage((), None)


# --- versions ---------------------------------------------------------------------------


def version(table: JobTable) -> int:
    found = table.get(ONE)
    assert found is not None
    return found.version


def test_the_version_grows_by_one_with_each_change_that_a_client_sees(table: JobTable) -> None:
    stored(table)
    seen = [version(table)]
    for make in (
        lambda: table.apply(change(Trigger.START)),
        lambda: record(table, 0, [AVAILABLE, MISSING]),
        lambda: record(table, 1, [AVAILABLE]),
        lambda: table.apply(change(Trigger.ASSEMBLE, all_checked=True)),
        lambda: table.apply(change(Trigger.FAIL, error=Failure("gave_up", "because"))),
        lambda: table.apply(change(Trigger.RETRY, expires_at=NOW + 5, sweep_at=NOW + 1, min_progress=30)),
        lambda: table.apply(change(Trigger.CANCEL)),
    ):
        assert make()
        seen.append(version(table))
    assert seen == list(range(1, 9))


def test_the_version_grows_with_a_listing(table: JobTable) -> None:
    before = job(total=0, prefix="downloads/", batch_size=2)
    listed = replace(before, total=2, listing=(Stretch("a", 1),))
    table.create(before, [], event=event())
    table.apply(change(Trigger.START))
    found = [(file, AVAILABLE) for file in files(70000, 70001)]
    assert table.record_listing(before, listed, found=found, now=NOW)
    assert version(table) == 3
    assert not table.record_listing(before, listed, found=found, now=NOW)
    assert version(table) == 3


def test_the_version_stays_where_a_client_sees_no_change(table: JobTable) -> None:
    record(processing(table), 0, [AVAILABLE, MISSING])
    seen = table.get(ONE)
    assert seen is not None
    record(table, 0, [AVAILABLE, MISSING])
    table.apply(change(Trigger.START))
    table.postpone_sweep(seen, sweep_at=NOW + 9, event=event("swept"))
    table.note(ONE, event("links_issued"))
    table.note_error(ONE, 1, error=Failure("a", "first"), event=event("batch_retried"))
    assert version(table) == seen.version


def test_reads_that_give_out_links_are_one_line_for_each_caller_and_window(table: JobTable) -> None:
    stored(table)
    alice, bob = Actor("alice", "request-1", "trace-1"), Actor("bob", "request-2", "trace-2")
    table.note_links(ONE, JobEvent("links_issued", NOW + 9, alice), count=3)
    table.note_links(ONE, JobEvent("links_issued", NOW + 9, bob), count=1)
    table.note_links(ONE, JobEvent("links_issued", NOW + 9, replace(alice, request_id="request-3")), count=2)
    table.note_links(ONE, JobEvent("links_issued", NOW + 20, alice), count=1)
    lines = table.events(ONE, limit=10, cursor=None).events[1:]
    assert sorted((line.at - NOW, line.actor.by, line.actor.request_id, line.details) for line in lines) == [
        (9, "alice", "request-3", {"count": 5, "reads": 2}),
        (9, "bob", "request-2", {"count": 1, "reads": 1}),
        (20, "alice", "request-1", {"count": 1, "reads": 1}),
    ]


def test_an_event_never_takes_the_place_of_another() -> None:
    """The tokens by which events of one millisecond are told apart may be equal; then the write fails, loudly."""
    with emulated_aws():
        client = boto3.client("dynamodb", region_name="us-east-1")
        create_table(client, "jobs")
        table = DynamoJobTable(Table(client, "jobs"), RETENTION, token=lambda: "0" * 8)
        stored(table)
        with pytest.raises(ConditionFailed):
            table.note(ONE, event("another"))
        assert trail(table) == [event()]


# --- cursors ----------------------------------------------------------------------------

FOREIGN = [
    "nonsense",
    "[]",
    "5",
    "{}",
    '{"a":1,"b":2}',
    "[1]",
    "[1,2,3]",
    '["1","job"]',
    '[1.5,"job"]',
    '[true,"job"]',
    '[1e999,"job"]',
    '[-1,"job"]',
    f'[{10**40},"job"]',
    "[1,2]",
    "[1,null]",
    '[1,"\\ud800"]',
    f'[1,"{"x" * 3000}"]',
    "[" * 5_000,
    "EVENT#1700000000000#00000000#more",
    "EVENT#1700000000000",
    "JOB",
]


@pytest.mark.parametrize("text", FOREIGN, ids=[text[:30] for text in FOREIGN])
def test_a_cursor_that_is_not_ours_is_refused(table: JobTable, text: str) -> None:
    cursor = base64.urlsafe_b64encode(text.encode()).decode()
    with pytest.raises(InvalidRequest, match="cursor"):
        table.owned_by("alice", wanted=JobFilter(), limit=3, cursor=cursor)
    with pytest.raises(InvalidRequest, match="cursor"):
        stored(table).events(ONE, limit=3, cursor=cursor)


@pytest.mark.parametrize("cursor", ["!", "é", "a", "====", "\udc80", " "])
def test_a_cursor_that_is_not_even_base64_is_refused(table: JobTable, cursor: str) -> None:
    with pytest.raises(InvalidRequest, match="cursor"):
        table.owned_by("alice", wanted=JobFilter(), limit=3, cursor=cursor)
    with pytest.raises(InvalidRequest, match="cursor"):
        stored(table).events(ONE, limit=3, cursor=cursor)


# --- ids that are taken -----------------------------------------------------------------


def test_an_id_is_taken_once_and_the_second_changes_nothing_that_anybody_sees(table: JobTable) -> None:
    assert table.create(job(total=3), [files(70000, 70001), files(70002)], event=event())
    table.apply(change(Trigger.START))
    record(table, 0, [AVAILABLE, MISSING])
    seen = table.get(ONE)
    again = job(total=3, owner="bob", created_at=NOW, link_ttl=60, callback_url="https://bob.test/")
    assert not table.create(again, [files(70000, 70001), files(70002)], event=event("created again", NOW))
    assert table.get(ONE) == seen
    assert table.read_results(job(), [0, 1]) == {0: (AVAILABLE, MISSING)}
    assert table.read_requests(job(), [0, 1]) == {0: tuple(files(70000, 70001)), 1: tuple(files(70002))}
    assert [line.kind for line in trail(table)] == ["created", "start"]
    assert table.owned_by("bob", wanted=JobFilter(), limit=3, cursor=None).jobs == ()
