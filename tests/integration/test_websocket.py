"""The WebSocket API on a running stack: snapshot, changes, end; what is refused; what is forgotten."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from chalicelib.aws import keys
from chalicelib.aws.dynamodb import Table
from chalicelib.aws.rows import job_row
from chalicelib.aws.updates import Put, Update
from chalicelib.aws.websockets import DynamoSubscriptions
from chalicelib.delivery.subscriptions import Connection
from tests.integration.deployment import PATIENCE, Deployment
from tests.integration.stack import wait_for
from tests.integration.websocket_client import Client, connected
from tests.support.builders import job

FILES = range(64_000, 64_005)
CHANGES = 100


@pytest.fixture(scope="module")
def deployment(local: Deployment) -> Deployment:
    local.put_all(dict.fromkeys(FILES, b"x"))
    return local


@pytest.fixture
def client(deployment: Deployment) -> Iterator[Client]:
    with connected(deployment) as made:
        yield made


def watchers(deployment: Deployment, job_id: str) -> list[str]:
    return DynamoSubscriptions(table(deployment)).subscribers(job_id)


def table(deployment: Deployment) -> Table:
    return Table(deployment.stack.clients("dynamodb"), deployment.stack.outputs["Table"])


def idle_job(deployment: Deployment) -> str:
    """A job that nothing drives: it changes only by `change`."""
    job_id = str(uuid.uuid4())
    made = job(job_id=job_id, owner="anonymous", expires_at=4_000_000_000_000)
    row = job_row(made, ttl=4_000_000_000)
    table(deployment).put(Put({name: value for name, value in row.items() if name not in ("open_shard", "sweep_at")}))
    return job_id


def change(deployment: Deployment, job_id: str, times: int = 1) -> None:
    for _ in range(times):
        table(deployment).update(Update(key=keys.job(job_id), add={"version": 1}))


# --- watching -----------------------------------------------------------------------------


def test_a_subscriber_sees_the_job_as_it_stands_then_its_changes_then_its_end(
    deployment: Deployment, client: Client
) -> None:
    client.ask({"action": "ping"})  # the worker is awake, or the job may end before it answers
    job_id = deployment.initiate(FILES, archive=True)
    snapshot = client.subscribe(job_id)
    assert snapshot["event"] == "progress", "the job ended before anybody could watch it"
    heard = [snapshot, *client.to_the_end()]
    assert {event["jobId"] for event in heard} == {job_id}
    assert {event["event"] for event in heard[:-1]} == {"progress"}
    ordered = sorted(heard, key=lambda event: event["id"])
    progress = [event["data"]["progress"] for event in ordered]
    assert progress == sorted(progress)
    assert ordered[-1]["event"] == "ready"
    status = deployment.brief(job_id)
    assert ordered[-1]["data"].items() <= {**status, "links": ordered[-1]["data"]["links"]}.items()
    assert ordered[-1]["data"]["links"] == status["links"]
    wait_for("end of the subscription", lambda: not watchers(deployment, job_id), seconds=PATIENCE)


def test_two_subscribers_both_get_the_events(deployment: Deployment) -> None:
    job_id = idle_job(deployment)
    with ExitStack() as stack:
        clients = [stack.enter_context(connected(deployment)) for _ in range(2)]
        assert [client.subscribe(job_id)["id"] for client in clients] == [1, 1]
        change(deployment, job_id)
        assert [client.hear()["id"] for client in clients] == [2, 2]


def test_a_cancelled_job_is_reported(deployment: Deployment, client: Client) -> None:
    job_id = idle_job(deployment)
    client.subscribe(job_id)
    assert deployment.call("DELETE", f"/v1/download/{job_id}").status_code == 202
    assert client.to_the_end()[-1]["event"] == "cancelled"


def test_of_a_job_that_has_ended_there_is_one_event(deployment: Deployment, client: Client) -> None:
    job_id = deployment.run(FILES)["jobId"]
    assert client.subscribe(job_id)["event"] == "ready"
    assert watchers(deployment, job_id) == []


def test_of_a_burst_of_changes_the_last_is_heard_and_none_twice(deployment: Deployment, client: Client) -> None:
    # How many messages come depends on how fast the stream is read: test_notifier.py has one message per batch.
    job_id = idle_job(deployment)
    client.subscribe(job_id)
    change(deployment, job_id, CHANGES)
    heard = [event["id"] for event in client.until(CHANGES + 1)]
    assert heard[-1] == CHANGES + 1
    assert heard == sorted(set(heard))


def test_who_unsubscribes_hears_no_more(deployment: Deployment, client: Client) -> None:
    job_id, other = idle_job(deployment), idle_job(deployment)
    client.subscribe(job_id)
    client.subscribe(other)
    client.say({"action": "unsubscribe", "jobId": job_id})
    wait_for("end of the subscription", lambda: not watchers(deployment, job_id), seconds=PATIENCE)
    change(deployment, job_id)
    change(deployment, other)
    assert client.hear()["jobId"] == other


# --- refusals -----------------------------------------------------------------------------


def test_an_unknown_job_is_reported(client: Client) -> None:
    job_id = str(uuid.uuid4())
    answer = client.subscribe(job_id)
    assert (answer["event"], answer["error"], answer["jobId"]) == ("error", "job_not_found", job_id)


@pytest.mark.parametrize("message", ["nonsense", "[]", '{"action": "dance"}', '{"action": "subscribe", "jobId": "x"}'])
def test_what_makes_no_sense_is_answered_and_the_connection_goes_on(client: Client, message: str) -> None:
    assert client.ask(message)["error"] == "invalid_request"
    assert client.ask({"action": "ping"}) == {"event": "pong"}


# --- forgetting ---------------------------------------------------------------------------


def test_who_leaves_is_forgotten(deployment: Deployment) -> None:
    job_id = idle_job(deployment)
    with connected(deployment) as client:
        client.subscribe(job_id)
        assert len(watchers(deployment, job_id)) == 1
    wait_for("end of the subscription", lambda: not watchers(deployment, job_id), seconds=PATIENCE)


def test_a_connection_that_vanished_is_forgotten_at_the_next_change(deployment: Deployment) -> None:
    """As when API Gateway could not run $disconnect: the rows are there, the connection is not."""
    subscriptions = DynamoSubscriptions(table(deployment))
    job_id, vanished = idle_job(deployment), uuid.uuid4().hex[:16]
    subscriptions.open(Connection(vanished, "anonymous", "", 4_000_000_000_000))
    subscriptions.subscribe(vanished, job_id, now=4_000_000_000_000)
    change(deployment, job_id)
    wait_for("end of the subscription", lambda: not subscriptions.subscribers(job_id), seconds=PATIENCE)
    wait_for("end of the connection", lambda: subscriptions.connection(vanished) is None, seconds=PATIENCE)


def test_the_api_tells_where_the_websocket_api_is(deployment: Deployment) -> None:
    assert deployment.call("GET", "/").json()["links"]["websocket"] == deployment.stack.outputs["WebSocketUrl"]
