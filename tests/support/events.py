"""What Lambda passes to a handler: contexts, and events of SQS queues."""

from __future__ import annotations

from dataclasses import dataclass

from chalicelib.messages import AnyMessage, encode
from tests.events import Event, recorded


@dataclass
class Context:
    """The context of an invocation with this time left."""

    milliseconds: int = 60_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


CONTEXT = Context()
SENT_AT = 1_700_000_005_123


def sqs(*bodies: str | AnyMessage, attempt: int = 1) -> Event:
    """An SQS event; the n-th record has message id "m<n>" and receipt handle "r<n>", and was sent at SENT_AT."""
    (template,) = recorded("sqs_check")["Records"]
    counted = {"ApproximateReceiveCount": str(attempt), "SentTimestamp": str(SENT_AT)}
    attributes = {**template["attributes"], **counted}
    texts = [body if isinstance(body, str) else encode(body) for body in bodies]
    records = [
        {**template, "body": text, "messageId": f"m{n}", "receiptHandle": f"r{n}", "attributes": attributes}
        for n, text in enumerate(texts)
    ]
    return {"Records": records}


def failed(answer: Event) -> list[str]:
    """The message ids that a handler reported as failed."""
    return [item["itemIdentifier"] for item in answer["batchItemFailures"]]
