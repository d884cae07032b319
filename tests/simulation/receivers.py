"""Who hears from the service: clients behind the gateway of WebSockets, and a receiver of webhooks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chalicelib.delivery.webhooks import signed_headers
from chalicelib.errors import WebhookUnreachable
from tests.simulation.environment import Scheduled
from tests.simulation.faults import Fault
from tests.simulation.secrets_manager import SimulatedSecretsManager


@dataclass
class Sockets:
    """The gateway of WebSockets: what each connection was sent. A closed one is gone."""

    environment: Scheduled
    sent: dict[str, list[Any]] = field(default_factory=dict)

    def send(self, connection_id: str, message: bytes) -> bool:
        self.environment.travel("websocket.post_to_connection")
        if connection_id not in self.sent:
            return False
        self.sent[connection_id].append(json.loads(message))
        return True


@dataclass
class Receiver:
    """Receives webhooks, and fails now and then. `received` has the id, type and job of each that it accepted.

    It knows the secrets that are valid, and answers 401 to what none of them signed.
    """

    environment: Scheduled
    secrets: SimulatedSecretsManager
    owner: str  # of all jobs
    received: list[tuple[str, str, str]] = field(default_factory=list)
    forged: list[str] = field(default_factory=list)  # bodies that no secret signed

    def send(self, url: str, body: bytes, *, headers: Mapping[str, str]) -> int:
        self.environment.travel("webhook.post")
        if self.environment.faults.happens(Fault.UNREACHABLE, "webhook.post"):
            raise WebhookUnreachable("the receiver did not answer")
        if self.environment.faults.happens(Fault.STORE_ERROR, "webhook.post"):
            return 500
        payload = json.loads(body)
        if not self._is_signed(body, headers):
            self.forged.append(body.decode())
            return 401
        self.received.append((headers["webhook-id"], payload["type"], payload["data"]["jobId"]))
        self.environment.travel("webhook.post")
        return 200

    def _is_signed(self, body: bytes, headers: Mapping[str, str]) -> bool:
        secrets = self.secrets.value.webhook_secrets(self.environment.now_ms(), self.owner)
        sent_at = int(headers["webhook-timestamp"])
        right = signed_headers(headers["webhook-id"], body, timestamp=sent_at, secrets=secrets)["webhook-signature"]
        return not set(right.split()).isdisjoint(headers["webhook-signature"].split())
