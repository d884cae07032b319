"""The part of the container's services that stream, WebSocket API and webhooks use, on fakes."""

from __future__ import annotations

from dataclasses import dataclass, field

from chalicelib.delivery.notifier import Notifier
from chalicelib.delivery.subscriptions import Subscriptions
from chalicelib.delivery.webhooks import Delivery
from chalicelib.messages import SendWebhook
from chalicelib.settings import Settings
from tests.builders import job
from tests.fakes import Clock, FakeJobTable, FakeWorkQueue
from tests.support.delivery import FakePush, FakeSubscriptions, websocket_auth
from tests.support.executors import SerialExecutor
from tests.support.sqs import fake_retries
from tests.unit.services import ENVIRONMENT

ONE = job().job_id
BASE = "https://lorry.example.com"


@dataclass
class FakeDeliverer:
    """Records what it is to deliver, or fails."""

    delivered: list[tuple[SendWebhook, int]] = field(default_factory=list)
    fails: Exception | None = None

    def deliver(self, message: SendWebhook, *, first_sent: int) -> Delivery:
        if self.fails:
            raise self.fails
        self.delivered.append((message, first_sent))
        return Delivery.DELIVERED


class DeliveryServices:
    """Services with one job of alice's; `allowed` calls of WebSocket clients are within the rate limit."""

    def __init__(self) -> None:
        self.settings = Settings.from_environment({**ENVIRONMENT, "PUBLIC_URL": BASE})
        self.table, self.push, self.queue = FakeSubscriptions(), FakePush(), FakeWorkQueue()
        self.clock, self.jobs = Clock(), FakeJobTable()
        self.jobs.jobs[ONE] = job(owner="user:alice")
        self.auth = websocket_auth(self.clock)
        self.notifier = Notifier(self.queue, self.table, self.push, SerialExecutor(), BASE)
        self.subscriptions = Subscriptions(self.table, self.jobs, self.push, self.auth, self.clock, BASE)
        self.webhooks, self.webhook_retries = FakeDeliverer(), fake_retries()
        self.counted: list[str] = []
        self.allowed = 100

    def counts_socket(self, caller: str) -> bool:
        self.counted.append(caller)
        return len(self.counted) <= self.allowed
