"""Delivering webhooks, on fakes."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace
from standardwebhooks import Webhook

from chalicelib.callers import RateLimiter
from chalicelib.delivery.job_summary import timestamp
from chalicelib.delivery.webhooks import Delivery, WebhookDeliverer, webhook_id
from chalicelib.errors import InvalidSettings, UnsafeCallbackUrl, WebhookFailed, WebhookLimited, WebhookUnreachable
from chalicelib.jobs.model import Actor, Job, JobEvent
from chalicelib.messages import SendWebhook
from tests.support.builders import job
from tests.support.fake_job_table import FakeJobTable
from tests.support.fakes import Clock, FakeCallCounter

LIMIT = 10  # a minute
DAY_MS = 24 * 3600 * 1000
URL = "https://hooks.example.com/lorry"
SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
JOB = job(callback_url=URL)
READY = SendWebhook(JOB.job_id, "ready", 1_700_000_000_123)


@dataclass
class FakeSender:
    """Answers everything with this status, or raises."""

    answer: int | Exception = 200
    sent: list[tuple[str, Mapping[str, str], bytes]] = field(default_factory=list)

    def send(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> int:
        self.sent.append((url, headers, body))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


class World:
    """A deliverer on fakes, with at most one job."""

    def __init__(self, answer: int | Exception = 200, *, job: Job | None = JOB, public_url: str = "") -> None:
        self.clock, self.table, self.sender = Clock(), FakeJobTable(), FakeSender(answer)
        if job:
            self.table.jobs[job.job_id] = job
        self.secrets: dict[str, tuple[str, ...]] = {JOB.owner: (SECRET,)}
        self.counter = FakeCallCounter()
        self.parked: list[SendWebhook] = []
        self.deliverer = WebhookDeliverer(
            jobs=self.table,
            sender=self.sender,
            secrets=self.secrets.__getitem__,
            now=self.clock,
            park=self.parked.append,
            limiter=RateLimiter(self.counter, self.clock),
            limit=LIMIT,
            public_url=public_url,
        )

    def deliver(self, message: SendWebhook = READY, *, age: int = 0) -> Delivery:
        return self.deliverer.deliver(message, first_sent=self.clock() - age)

    def payload(self) -> object:
        return json.loads(self.sender.sent[-1][2])

    @property
    def noted(self) -> list[tuple[str, dict[str, object]]]:
        return [(event.kind, event.details) for event in self.events]

    @property
    def events(self) -> list[JobEvent]:
        return self.table.trail.get(JOB.job_id, [])


def noted(kind: str, **details: object) -> list[tuple[str, dict[str, object]]]:
    return [(kind, {"webhookId": webhook_id(READY), **details})]


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_a_webhook_is_delivered_once_the_receiver_says_so(status: int) -> None:
    world = World(status)
    assert world.deliver() is Delivery.DELIVERED
    assert world.noted == noted("webhook_delivered", statusCode=status)
    event = world.events[0]
    assert (event.at, event.actor) == (world.clock(), Actor(by="webhook"))


@pytest.mark.parametrize("status", ["ready", "failed", "cancelled"])
def test_the_payload_holds_the_status_and_what_was_asked_for(status: str) -> None:
    world = World()
    world.deliver(SendWebhook(JOB.job_id, status, 1_700_000_000_123))
    assert world.payload() == {
        "type": f"job.{status}",
        "timestamp": "2023-11-14T22:13:20.123Z",
        "data": {
            "jobId": JOB.job_id,
            "status": status,
            "label": None,
            "request": {"by": "file_ids", "count": JOB.total, "prefix": None},
            "expiresAt": timestamp(JOB.expires_at),
        },
    }


def test_the_payload_links_to_the_status_where_the_address_of_the_api_is_known() -> None:
    world = World(public_url="https://api.example.com/prod")
    world.deliver()
    payload = world.payload()
    assert isinstance(payload, dict)
    assert payload["data"]["links"] == {"status": f"https://api.example.com/prod/v1/download/status/{JOB.job_id}"}


def test_the_request_goes_to_the_callback_url_and_is_signed_as_of_now() -> None:
    world = World()
    world.clock.advance(3600)
    world.deliver()
    url, headers, body = world.sender.sent[0]
    assert (url, headers["Content-Type"]) == (URL, "application/json")
    assert headers["webhook-timestamp"] == str(world.clock() // 1000)
    expected = Webhook(SECRET).sign(
        webhook_id(READY), datetime.fromtimestamp(world.clock() // 1000, UTC), body.decode()
    )
    assert headers["webhook-signature"] == expected


def test_every_secret_signs_while_they_change() -> None:
    world = World()
    world.secrets[JOB.owner] = (SECRET, "whsec_" + base64.b64encode(b"p" * 32).decode())
    world.deliver()
    assert len(world.sender.sent[0][1]["webhook-signature"].split(" ")) == 2


def test_webhooks_of_a_callers_jobs_are_signed_with_that_callers_secret() -> None:
    world = World(job=replace(JOB, owner="user:bob"))
    bobs = "whsec_" + base64.b64encode(b"b" * 32).decode()
    world.secrets["user:bob"] = (bobs,)
    world.deliver()
    _, headers, body = world.sender.sent[0]
    at = datetime.fromtimestamp(world.clock() // 1000, UTC)
    assert headers["webhook-signature"] == Webhook(bobs).sign(webhook_id(READY), at, body.decode())


def test_more_webhooks_than_a_caller_may_have_in_a_minute_wait() -> None:
    world = World()
    for _ in range(LIMIT):
        world.deliver()
    with pytest.raises(WebhookLimited, match=f"webhooks of {JOB.owner}: 10 were sent within this minute"):
        world.deliver()
    assert len(world.sender.sent) == LIMIT
    assert len(world.events) == LIMIT  # and the trail says nothing of those that wait
    world.clock.advance(60)
    assert world.deliver() is Delivery.DELIVERED


def test_more_webhooks_than_a_host_may_have_in_a_minute_wait_whoever_asks() -> None:
    world = World()
    for number in range(LIMIT + 1):
        owner = f"user:{number}"
        world.secrets[owner] = (SECRET,)
        world.table.jobs[JOB.job_id] = replace(JOB, owner=owner, callback_url=f"https://hooks.example.com:443/{number}")
        if number < LIMIT:
            world.deliver()
    with pytest.raises(WebhookLimited, match=r"webhooks to hooks\.example\.com"):
        world.deliver()


def test_attempts_and_copies_share_an_id_and_another_end_of_the_job_has_another() -> None:
    world = World()
    for message in (READY, READY, SendWebhook(JOB.job_id, "ready", READY.at + 1)):
        world.deliver(message)
        world.clock.advance(60)
    first, copy, other = (headers["webhook-id"] for _, headers, _ in world.sender.sent)
    assert first == copy == f"msg_{JOB.job_id}_1700000000123"
    assert other != first


@pytest.mark.parametrize("status", [100, 199, 300, 301, 302, 307, 400, 401, 404, 408, 429, 500, 502, 503])
def test_any_other_answer_is_tried_again(status: int) -> None:
    world = World(status)
    with pytest.raises(WebhookFailed, match=f"HTTP {status}") as failed:
        world.deliver()
    assert (failed.value.retryable, failed.value.status) == (True, status)
    assert world.noted == noted("webhook_attempt_failed", statusCode=status, reason=str(failed.value))


def test_the_error_says_that_a_redirect_is_not_followed() -> None:
    with pytest.raises(WebhookFailed, match="redirects are not followed"):
        World(308).deliver()


def test_a_receiver_that_is_gone_gets_no_more_attempts() -> None:
    world = World(410)
    assert world.deliver() is Delivery.REFUSED
    reason = "the receiver of the webhook answered HTTP 410"
    assert world.noted == noted("webhook_refused", statusCode=410, reason=reason)


def test_a_receiver_that_does_not_answer_is_tried_again() -> None:
    world = World(WebhookUnreachable("it took too long"))
    with pytest.raises(WebhookUnreachable) as unreachable:
        world.deliver()
    assert unreachable.value.retryable
    reason = "the receiver of the webhook did not answer: it took too long"
    assert world.noted == noted("webhook_attempt_failed", reason=reason)


def test_a_url_that_leads_inside_by_now_is_never_tried_again() -> None:
    world = World(UnsafeCallbackUrl("leads inside"))
    assert world.deliver() is Delivery.REFUSED
    assert world.noted == noted("webhook_refused", reason="the callback URL leads inside")


def test_after_a_day_a_webhook_is_parked_without_another_attempt() -> None:
    world = World()
    assert world.deliver(age=DAY_MS + 1) is Delivery.GIVEN_UP
    assert world.parked == [READY]
    assert world.noted == noted("webhook_given_up")
    assert world.sender.sent == []


def test_within_a_day_a_webhook_is_tried() -> None:
    assert World().deliver(age=DAY_MS) is Delivery.DELIVERED


@pytest.mark.parametrize("gone", [None, job(), job(job_id="another", callback_url=URL)])
def test_a_job_that_is_gone_or_has_no_callback_url_is_left_alone(gone: Job | None) -> None:
    world = World(job=gone)
    assert world.deliver(age=2 * DAY_MS) is Delivery.DROPPED
    assert (world.sender.sent, world.noted) == ([], [])


def test_without_a_secret_nothing_is_sent() -> None:
    world = World()
    world.secrets[JOB.owner] = ()
    with pytest.raises(InvalidSettings):
        world.deliver()
    assert world.sender.sent == []
