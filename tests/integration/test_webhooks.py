"""Webhooks on a running stack that may call this machine."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from standardwebhooks import Webhook

from chalicelib.delivery.signing_keys import Secrets
from tests.infra.test_deployed import without_right
from tests.integration.conftest import ENFORCED, STRICT
from tests.integration.deployment import PATIENCE, Deployment, Document
from tests.integration.stack import running_stack, wait_for

PRESENT, ABSENT = 65_000, range(65_100, 67_100)
HOOKED = {**STRICT, "WebhookAllowLocal": "true", "WebhookRetryBaseSeconds": "0.5", "WebhookRetryCapSeconds": "1"}


@pytest.fixture(scope="module")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    folder = tmp_path_factory.mktemp("hooked")
    with running_stack(folder, parameters=HOOKED, environment=ENFORCED) as running:
        made = Deployment(running, running.clients("s3"), crc_source="head")
        made.put(PRESENT, b"present")
        yield made


@dataclass
class Receiver:
    """A customer's server: answers with `statuses` one after the other, then 204, and keeps what it got."""

    statuses: list[int] = field(default_factory=list)
    got: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def answer(self, headers: dict[str, str], body: bytes) -> int:
        self.got.append((headers, body))
        return self.statuses.pop(0) if self.statuses else 204


@contextmanager
def receiving(*statuses: int) -> Iterator[Receiver]:
    receiver = Receiver(list(statuses))

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(receiver.answer({name.lower(): value for name, value in self.headers.items()}, body))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Quietly."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        receiver.url = f"http://127.0.0.1:{server.server_address[1]}/hook"
        try:
            yield receiver
        finally:
            server.shutdown()


def verified(deployment: Deployment, headers: dict[str, str], body: bytes) -> Document:
    """The payload, if the signature is right by the reference library."""
    secret_id = deployment.stack.outputs["SecretId"]
    stored = deployment.stack.clients("secretsmanager").get_secret_value(SecretId=secret_id)["SecretString"]
    (secret,) = Secrets.from_json(stored).webhook_secrets(0)
    payload: Document = Webhook(secret).verify(body, headers)
    return payload


def attempts(receiver: Receiver, number: int) -> None:
    wait_for(f"attempt {number}", lambda: len(receiver.got) >= number, seconds=PATIENCE)


def delivered(deployment: Deployment, receiver: Receiver) -> list[Document]:
    """The payloads of all requests once no webhook is waiting any more."""
    deployment.drained("webhook")
    return [verified(deployment, headers, body) for headers, body in receiver.got]


def events_of(deployment: Deployment, job_id: str, kind: str) -> list[Document]:
    events = deployment.call("GET", f"/v1/download/{job_id}/events").json()["events"]
    return [event for event in events if event["kind"] == kind]


def test_the_end_of_a_job_is_sent_once_and_signed(deployment: Deployment) -> None:
    with receiving() as receiver:
        job = deployment.run([PRESENT], archive=True, callbackUrl=receiver.url)
        attempts(receiver, 1)
        (payload,) = delivered(deployment, receiver)
    assert (job["status"], payload["type"], payload["timestamp"]) == ("ready", "job.ready", job["finishedAt"])
    assert (payload["data"]["jobId"], payload["data"]["status"]) == (job["jobId"], "ready")


def test_a_receiver_that_fails_is_asked_again_with_the_same_id(deployment: Deployment) -> None:
    with receiving(500, 503) as receiver:
        job_id = deployment.run([PRESENT], callbackUrl=receiver.url)["jobId"]
        attempts(receiver, 3)
        payloads = delivered(deployment, receiver)
    assert len(payloads) == 3
    assert all(payload == payloads[0] for payload in payloads)
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert len(events_of(deployment, job_id, "webhook_attempt_failed")) == 2
    assert len(events_of(deployment, job_id, "webhook_delivered")) == 1


def test_a_failed_job_is_reported(deployment: Deployment) -> None:
    with receiving() as receiver:
        job = deployment.run([ABSENT[0]], callbackUrl=receiver.url)
        attempts(receiver, 1)
        (payload,) = delivered(deployment, receiver)
    assert (job["error"]["code"], payload["type"]) == ("no_files_available", "job.failed")


def test_a_cancelled_job_is_reported(deployment: Deployment) -> None:
    with receiving() as receiver:
        job_id = deployment.initiate(ABSENT, callbackUrl=receiver.url)
        assert deployment.call("DELETE", f"/v1/download/{job_id}").status_code == 202
        attempts(receiver, 1)
        (payload,) = delivered(deployment, receiver)
    assert (payload["type"], payload["data"]["jobId"]) == ("job.cancelled", job_id)


def test_each_of_several_jobs_is_reported_at_its_own_url_when_it_ends(deployment: Deployment) -> None:
    with receiving() as first, receiving() as second:
        ids = [deployment.run([PRESENT], callbackUrl=receiver.url)["jobId"] for receiver in (first, second)]
        deployment.run([PRESENT])
        for receiver in (first, second):
            attempts(receiver, 1)
        reported = [[payload["data"]["jobId"] for payload in delivered(deployment, one)] for one in (first, second)]
    assert reported == [[ids[0]], [ids[1]]]


def test_a_webhook_that_cannot_be_ordered_is_ordered_as_soon_as_the_queue_answers(deployment: Deployment) -> None:
    with receiving() as receiver:
        with without_right(deployment.stack, "NotifyRole", "sqs:SendMessage"):
            job_id = deployment.run([PRESENT], callbackUrl=receiver.url)["jobId"]
            wait_for("failure", lambda: "failed processing DynamoDB stream" in deployment.stack.log, seconds=PATIENCE)
            assert receiver.got == []
        attempts(receiver, 1)
        assert {payload["data"]["jobId"] for payload in delivered(deployment, receiver)} == {job_id}


def test_a_receiver_that_wants_no_more_is_not_asked_again(deployment: Deployment) -> None:
    with receiving(410) as receiver:
        job_id = deployment.run([PRESENT], callbackUrl=receiver.url)["jobId"]
        attempts(receiver, 1)
        assert len(delivered(deployment, receiver)) == 1
    assert len(events_of(deployment, job_id, "webhook_refused")) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/hook",
        "https://[fd00:ec2::254]/hook",
        "https://user:password@hooks.example.com/",  # pragma: allowlist secret
        "ftp://hooks.example.com/",
        "http://2130706433/hook",
    ],
)
def test_a_url_that_leads_inside_is_refused_when_the_job_is_made(deployment: Deployment, url: str) -> None:
    answer = deployment.call("POST", "/v1/download/initiate", json={"file_ids": [PRESENT], "callbackUrl": url})
    assert answer.status_code == 400, answer.text
    assert "/callbackUrl" in json.dumps(answer.json()["errors"])


def test_no_webhook_was_given_up(deployment: Deployment) -> None:
    assert deployment.stack.depth("webhook_dead") == deployment.stack.depth("notify_dead") == (0, 0)
