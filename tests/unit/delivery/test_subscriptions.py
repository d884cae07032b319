"""What WebSocket clients say, and what they are answered."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest

from chalicelib.delivery.subscriptions import Subscriptions
from chalicelib.delivery.watchers import Subscribed
from chalicelib.delivery.websocket_auth import GuardedGate, OpenGate
from chalicelib.errors import Unauthenticated
from chalicelib.jobs.model import Job, JobStatus
from chalicelib.limits import MAX_SUBSCRIPTIONS, MAX_TICKET_CHARACTERS
from tests.builders import job
from tests.fake_notify import FakeGate, FakePush, FakeSubscriptions, render
from tests.fakes import Clock

ONE = job().job_id
OTHER = "6f6b0f9e-0000-4000-8000-000000000002"
ALICE = {"Authorization": "Bearer alice"}
BOB = {"Authorization": "Bearer bob"}


class Jobs(dict[str, Job]):
    """JobReader that changes a job as soon as it was read, if told to."""

    next_state: Job | None = None

    def get(self, job_id: str) -> Job | None:  # type: ignore[override]
        found = super().get(job_id)
        if self.next_state:
            self[job_id] = self.next_state
        return found


class Scene:
    """The protocol on fakes; alice owns the one job."""

    def __init__(self) -> None:
        self.table, self.push, self.gate, self.clock = FakeSubscriptions(), FakePush(), FakeGate(), Clock()
        self.jobs = Jobs({ONE: job(expires_at=self.clock.now + 60_000)})
        self.subscriptions = Subscriptions(self.table, self.jobs, self.push, self.gate, self.clock)

    def connect(self, name: str, headers: dict[str, str], ticket: str = "") -> None:
        self.subscriptions.connect(name, headers, ticket)

    def say(self, name: str, message: Any) -> Any:
        """The answer to a message; None if there was none."""
        before = len(self.push.sent.get(name, []))
        body = message if isinstance(message, str) else json.dumps(message)
        self.subscriptions.receive(name, body, render)
        answers = self.push.sent.get(name, [])[before:]
        return answers[0] if answers else None

    def subscribe(self, name: str, job_id: str = ONE, **more: str) -> Any:
        return self.say(name, {"action": "subscribe", "jobId": job_id, **more})


@pytest.fixture
def scene() -> Scene:
    made = Scene()
    made.connect("a", ALICE)
    return made


# --- who is let in ------------------------------------------------------------------------


def test_without_bearer_and_ticket_nobody_is_let_in() -> None:
    with pytest.raises(Unauthenticated, match="bearer token"):
        Scene().connect("x", {})


def test_a_bearer_that_is_not_believed_is_refused() -> None:
    scene = Scene()
    with pytest.raises(Unauthenticated):
        scene.connect("x", {"authorization": "Bearer nobody"})
    assert scene.table.connections == {}


def test_where_nobody_has_to_say_who_they_are_everybody_is_the_same() -> None:
    scene = Scene()
    scene.gate.open_to = "alice"
    scene.connect("x", {})
    assert scene.subscribe("x")["event"] == "progress"


def test_a_ticket_that_no_office_would_issue_is_not_stored() -> None:
    with pytest.raises(Unauthenticated, match="ticket"):
        Scene().connect("x", {}, "t" * (MAX_TICKET_CHARACTERS + 1))


# --- watching -----------------------------------------------------------------------------


def test_a_subscription_begins_with_the_job_as_it_stands(scene: Scene) -> None:
    answer = scene.subscribe("a")
    data = {"jobId": ONE, "status": "queued", "progress": 0}
    assert answer == {"event": "progress", "id": 1, "jobId": ONE, "data": data}
    assert scene.table.subscribers(ONE) == ["a"]


def test_a_change_while_the_subscription_begins_is_in_the_snapshot(scene: Scene) -> None:
    scene.jobs.next_state = job(version=2, expires_at=scene.clock.now + 60_000)
    assert scene.subscribe("a")["id"] == 2


def test_of_a_job_that_has_ended_there_is_the_end_and_nothing_to_watch(scene: Scene) -> None:
    scene.jobs[ONE] = job(status=JobStatus.READY, version=7, expires_at=scene.clock.now + 60_000)
    assert (scene.subscribe("a")["event"], scene.table.subscribers(ONE)) == ("ready", [])


def test_a_job_that_ends_while_the_subscription_begins_leaves_nothing_behind(scene: Scene) -> None:
    scene.jobs.next_state = job(status=JobStatus.FAILED, version=2, expires_at=scene.clock.now + 60_000)
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


def test_disconnecting_forgets_everything(scene: Scene) -> None:
    scene.subscribe("a")
    scene.subscriptions.disconnect("a")
    assert (scene.table.connections, scene.table.subscribers(ONE)) == ({}, [])


def test_who_is_gone_before_the_snapshot_arrives_is_forgotten(scene: Scene) -> None:
    scene.push.gone = {"a"}
    scene.subscribe("a")
    assert (scene.table.connections, scene.table.subscribers(ONE)) == ({}, [])


# --- whose job ----------------------------------------------------------------------------


def test_somebody_elses_job_does_not_exist(scene: Scene) -> None:
    scene.connect("b", BOB)
    theirs, unknown = scene.subscribe("b"), scene.subscribe("b", str(uuid.uuid4()))
    assert theirs["error"] == unknown["error"] == "job_not_found"
    assert scene.table.subscribers(ONE) == []


def test_a_ticket_in_the_message_opens_its_job(scene: Scene) -> None:
    scene.gate.tickets["t"] = ONE
    scene.connect("b", BOB)
    assert scene.subscribe("b", ticket="t")["event"] == "progress"


def test_a_ticket_in_the_url_opens_its_job_and_no_other(scene: Scene) -> None:
    other = str(uuid.uuid4())
    scene.jobs[other] = job(job_id=other, expires_at=scene.clock.now + 60_000)
    scene.gate.tickets["t"] = ONE
    scene.connect("c", {}, "t")
    assert scene.subscribe("c")["event"] == "progress"
    assert scene.subscribe("c", other)["error"] == "job_not_found"


def test_a_false_ticket_opens_nothing(scene: Scene) -> None:
    with pytest.raises(Unauthenticated):
        scene.connect("c", {}, "false")
    assert scene.subscribe("a", OTHER, ticket="false")["error"] == "job_not_found"


def test_who_came_without_credentials_does_not_own_jobs_without_an_owner(scene: Scene) -> None:
    scene.jobs[ONE] = job(owner="", expires_at=scene.clock.now + 60_000)
    scene.gate.tickets["other"] = OTHER
    scene.connect("c", {}, "other")
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


def test_an_expired_job_is_told_as_expired(scene: Scene) -> None:
    scene.clock.advance(61)
    assert scene.subscribe("a")["error"] == "job_expired"


def test_a_connection_watches_only_so_many_jobs(scene: Scene) -> None:
    for _ in range(MAX_SUBSCRIPTIONS):
        assert scene.table.subscribe("a", str(uuid.uuid4()), now=0) is Subscribed.SUBSCRIBED
    answer = scene.subscribe("a")
    assert answer["error"] == "too_many_subscriptions"
    assert str(MAX_SUBSCRIPTIONS) in answer["message"]


def test_a_connection_that_is_not_known_is_told_to_connect_again(scene: Scene) -> None:
    assert scene.subscribe("stranger")["error"] == "connection_unknown"


def test_an_outage_is_told_without_its_innards(scene: Scene) -> None:
    scene.table.down = True
    answer = scene.subscribe("a")
    assert answer["error"] == "table_unavailable"
    assert "try again" in answer["message"]
    assert "down" not in answer["message"]


# --- gates --------------------------------------------------------------------------------


def test_the_open_gate_knows_everybody_by_one_name() -> None:
    assert OpenGate().principal_of({"authorization": "Bearer x"}) == OpenGate().principal_of({}) == "anonymous"
    assert OpenGate().job_of("t") is None


def test_the_guarded_gate_asks_for_a_bearer_and_passes_tickets_on() -> None:
    gate = GuardedGate(verify=str.upper, opens={"t": ONE}.get)
    assert gate.principal_of({"authorization": "Bearer alice"}) == "user:ALICE"
    assert gate.principal_of({}) is None
    assert (gate.job_of("t"), gate.job_of("f")) == (ONE, None)


def test_the_guarded_gate_refuses_other_schemes() -> None:
    with pytest.raises(Unauthenticated):
        GuardedGate(str.upper, lambda _: None).principal_of({"authorization": "Basic eDp5"})


def test_without_an_issuer_a_bearer_names_nobody() -> None:
    assert GuardedGate(None, lambda _: None).principal_of({"authorization": "Bearer alice"}) is None
