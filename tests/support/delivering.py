"""Services of a world with one job of alice's, for stream, WebSocket API and webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from chalicelib.delivery.webhooks import Delivery
from chalicelib.messages import SendWebhook
from tests.support.builders import World, job
from tests.support.services import in_use

ONE = job().job_id
BASE = "https://lorry.example.com"
JWT = {"AUTH_MODE": "jwt", "AUTH_ISSUER": "https://issuer.test", "AUTH_AUDIENCE": "lorry", "PUBLIC_URL": BASE}


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


@contextmanager
def delivering(**environment: str) -> Iterator[Any]:
    """Services in use, with a deliverer that only records."""
    world = World()
    world.table.jobs[ONE] = job(owner="user:alice")
    with in_use(world, **JWT, **environment) as services:
        delivery: Any = services
        delivery.webhooks = FakeDeliverer()
        yield delivery
