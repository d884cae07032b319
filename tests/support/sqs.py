"""The retries of a queue, on a client that records them."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

from botocore.exceptions import EndpointConnectionError

from chalicelib.aws.sqs import Retries


@dataclass
class FakeSqs:
    """A client that records how long messages are hidden, (receipt handle, seconds), and which are set aside."""

    hidden: list[tuple[str, int]] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    down: bool = False
    meta: Any = field(default_factory=lambda: SimpleNamespace(endpoint_url="http://sqs.test"))

    def change_message_visibility(self, **asked: Any) -> None:
        assert asked["QueueUrl"] == "http://sqs.test/000000000000/check"
        self.hidden.append((asked["ReceiptHandle"], asked["VisibilityTimeout"]))

    def send_message(self, **asked: Any) -> None:
        assert asked["QueueUrl"] == "http://sqs.test/000000000000/unreadable"
        if self.down:
            raise EndpointConnectionError(endpoint_url="http://sqs.test")
        self.set_aside.append(asked["MessageBody"])


def fake_retries() -> Retries:
    """Retries without jitter, after 10, 20, 40 seconds and so on; `client.hidden` shows them."""
    return Retries(FakeSqs(), base=10, cap=600, uniform=max, unreadable_url="http://sqs.test/000000000000/unreadable")
