"""What WebSocket clients send, and what they receive."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from msgspec.structs import replace

from chalicelib.delivery.job_summary import event_message
from chalicelib.delivery.subscriptions import Subscribed, Subscriptions
from chalicelib.errors import Unauthenticated
from chalicelib.jobs.model import Job, JobStatus
from chalicelib.limits import MAX_SUBSCRIPTIONS, MAX_TICKET_CHARACTERS
from tests.support.builders import job
from tests.support.delivery import FakePush, FakeSubscriptions, websocket_auth
from tests.support.fake_job_table import FakeJobTable
from tests.support.fakes import Clock

ONE = job().job_id
BASE = "https://lorry.example.com"
OTHER = "6f6b0f9e-0000-4000-8000-000000000002"
ALICE = {"Authorization": "Bearer alice"}
BOB = {"Authorization": "Bearer bob"}
LATER = Clock().now + 60_000


class ChangingJobs(FakeJobTable):
    """A job table in which a job becomes `next_state` as soon as it was read."""

    next_state: Job | None = None

    def get(self, job_id: str) -> Job | None:
        found = super().get(job_id)
        if self.next_state:
            self.jobs[job_id] = self.next_state
        return found


class Scene:
    """The protocol on fakes; alice owns the one job."""

    def __init__(self, mode: str = "jwt") -> None:
        self.table, self.push, self.clock, self.jobs = FakeSubscriptions(), FakePush(), Clock(), ChangingJobs()
        self.auth = websocket_auth(self.clock, mode)
        self.add(job(owner="user:alice"))
        self.subscriptions = Subscriptions(self.table, self.jobs, self.push, self.auth, self.clock, BASE)

    def add(self, added: Job) -> None:
        """Put a job that expires in a minute into the table."""
        self.jobs.jobs[added.job_id] = replace(added, expires_at=LATER)

    def ticket(self, job_id: str = ONE) -> str:
        return self.auth.tickets.issue(job_id)

    def connect(self, name: str, headers: dict[str, str], ticket: str = "") -> None:
        self.subscriptions.connect(name, headers, ticket=ticket)

    def say(self, name: str, message: Any) -> Any:
        """The answer to a message; None if there was none."""
        before = len(self.push.sent.get(name, []))
        body = message if isinstance(message, str) else json.dumps(message)
        self.subscriptions.receive(name, body)
        answers = self.push.sent.get(name, [])[before:]
        return answers[0] if answers else None

    def subscribe(self, name: str, job_id: str = ONE, **more: str) -> Any:
        return self.say(name, {"action": "subscribe", "jobId": job_id, **more})


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.connect("a", ALICE)
    return made


# --- who may connect ----------------------------------------------------------------------


def test_a_client_without_token_and_ticket_is_refused() -> None:
    with pytest.raises(Unauthenticated, match="bearer token"):
        Scene().connect("x", {})


@pytest.mark.parametrize("credentials", ["Bearer forged", "Basic eDp5"])
def test_a_client_with_bad_credentials_is_refused(credentials: str) -> None:
    scene = Scene()
    with pytest.raises(Unauthenticated):
        scene.connect("x", {"authorization": credentials})
    assert scene.table.connections == {}


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer forged"}])
def test_in_mode_none_every_client_is_the_same_principal(headers: dict[str, str]) -> None:
    scene = Scene("none")
    scene.add(job(owner="anonymous"))
    scene.connect("x", headers)
    assert scene.subscribe("x")["event"] == "progress"


def test_in_mode_none_no_ticket_opens_a_job() -> None:
    scene = Scene("none")
    scene.connect("x", {})
    assert scene.subscribe("x", ticket=scene.ticket())["error"] == "job_not_found"


def test_in_mode_iam_a_token_identifies_no_one() -> None:
    scene = Scene("iam")
    with pytest.raises(Unauthenticated):
        scene.connect("x", ALICE)
    scene.connect("x", ALICE, scene.ticket())
    assert scene.subscribe("x")["event"] == "progress"


def test_a_ticket_that_is_too_long_is_not_stored() -> None:
    with pytest.raises(Unauthenticated, match="ticket"):
        Scene().connect("x", {}, "t" * (MAX_TICKET_CHARACTERS + 1))
    scene = Scene()
    scene.connect("x", ALICE, "t" * (MAX_TICKET_CHARACTERS + 1))
    assert scene.table.connections["x"].ticket == ""


# --- subscribing --------------------------------------------------------------------------


def test_a_subscription_begins_with_the_job_as_it_stands(scene: Scene) -> None:
    answer = scene.subscribe("a")
    assert answer == json.loads(event_message(scene.jobs.jobs[ONE], BASE))
    assert (answer["event"], answer["id"]) == ("progress", 1)
    assert scene.table.subscribers(ONE) == ["a"]


def test_a_change_while_the_subscription_begins_is_in_the_snapshot(scene: Scene) -> None:
    scene.jobs.next_state = job(owner="user:alice", version=2, expires_at=LATER)
    assert scene.subscribe("a")["id"] == 2


def test_a_subscription_to_an_ended_job_is_one_event(scene: Scene) -> None:
    scene.add(job(owner="user:alice", status=JobStatus.READY, version=7))
    assert (scene.subscribe("a")["event"], scene.table.subscribers(ONE)) == ("ready", [])


def test_a_job_that_ends_while_the_subscription_begins_leaves_nothing_behind(scene: Scene) -> None:
    scene.jobs.next_state = job(
        owner="user:alice", status=JobStatus.FAILED, version=2, expires_at=scene.clock.now + 60_000
    )
    assert (scene.subscribe("a")["event"], scene.table.subscribers(ONE)) == ("failed", [])


def test_subscribing_twice_is_a_fresh_snapshot(scene: Scene) -> None:
    assert scene.subscribe("a") == scene.subscribe("a")
    assert scene.table.subscribers(ONE) == ["a"]


def test_unsubscribing_ends_the_subscription_and_says_nothing(scene: Scene) -> None:
    scene.subscribe("a")
    assert scene.say("a", {"action": "unsubscribe", "jobId": ONE}) is None
    assert scene.table.subscribers(ONE) == []


def test_a_ping_is_answered(scene: Scene) -> None:
    assert scene.say("a", {"action": "ping"}) == {"event": "pong"}


def test_disconnecting_deletes_everything(scene: Scene) -> None:
    scene.subscribe("a")
    scene.subscriptions.disconnect("a")
    assert (scene.table.connections, scene.table.subscribers(ONE)) == ({}, [])


def test_a_client_that_is_gone_before_the_snapshot_arrives_is_deleted(scene: Scene) -> None:
    scene.push.gone = {"a"}
    scene.subscribe("a")
    assert (scene.table.connections, scene.table.subscribers(ONE)) == ({}, [])


# --- whose job ----------------------------------------------------------------------------


def test_a_job_of_another_principal_does_not_exist(scene: Scene) -> None:
    scene.connect("b", BOB)
    theirs, unknown = scene.subscribe("b"), scene.subscribe("b", str(uuid.uuid4()))
    assert theirs["error"] == unknown["error"] == "job_not_found"
    assert scene.table.subscribers(ONE) == []


def test_a_ticket_in_the_message_opens_its_job(scene: Scene) -> None:
    scene.connect("b", BOB)
    assert scene.subscribe("b", ticket=scene.ticket())["event"] == "progress"


def test_a_ticket_in_the_url_opens_its_job_and_no_other(scene: Scene) -> None:
    scene.add(job(job_id=OTHER))
    scene.connect("c", {}, scene.ticket())
    assert scene.subscribe("c")["event"] == "progress"
    assert scene.subscribe("c", OTHER)["error"] == "job_not_found"


def test_a_false_ticket_opens_nothing(scene: Scene) -> None:
    with pytest.raises(Unauthenticated):
        scene.connect("c", {}, "false")
    assert scene.subscribe("a", OTHER, ticket="false")["error"] == "job_not_found"


def test_a_client_without_a_principal_does_not_own_jobs_without_an_owner(scene: Scene) -> None:
    scene.add(job(owner=""))
    scene.connect("c", {}, scene.ticket(OTHER))
    assert scene.subscribe("c")["error"] == "job_not_found"


# --- errors -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "body",
    [
        "",
        "nonsense",
        "[]",
        "null",
        "{}",
        '{"action": 1}',
        '{"action": "dance"}',
        '{"action": "subscribe"}',
        '{"action": "subscribe", "jobId": 7}',
        '{"action": "subscribe", "jobId": "not a uuid"}',
        '{"action": "unsubscribe", "jobId": ""}',
        '{"action": "subscribe", "jobId": "' + "x" * 36 + '"}',
        "[" * 100_000,
        '"\ud800"',
    ],
)
def test_a_message_that_makes_no_sense_is_answered_with_what_is_wrong(scene: Scene, body: str) -> None:
    answer = scene.say("a", body)
    assert (answer["event"], answer["error"]) == ("error", "invalid_request")
    assert answer["message"]


def test_an_error_names_the_job_that_it_is_about(scene: Scene) -> None:
    unknown = str(uuid.uuid4())
    assert scene.subscribe("a", unknown)["jobId"] == unknown


def test_an_expired_job_is_reported_as_expired(scene: Scene) -> None:
    scene.clock.advance(61)
    assert scene.subscribe("a")["error"] == "job_expired"


def test_a_connection_has_a_limited_number_of_subscriptions(scene: Scene) -> None:
    for _ in range(MAX_SUBSCRIPTIONS):
        assert scene.table.subscribe("a", str(uuid.uuid4()), now=0) is Subscribed.SUBSCRIBED
    answer = scene.subscribe("a")
    assert answer["error"] == "too_many_subscriptions"
    assert str(MAX_SUBSCRIPTIONS) in answer["message"]


def test_an_unknown_connection_is_asked_to_connect_again(scene: Scene) -> None:
    assert scene.subscribe("stranger")["error"] == "connection_unknown"


def test_an_outage_is_reported_without_details(scene: Scene) -> None:
    scene.table.down = True
    answer = scene.subscribe("a")
    assert answer["error"] == "table_unavailable"
    assert "try again" in answer["message"]
    assert "down" not in answer["message"]
