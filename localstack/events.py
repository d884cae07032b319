"""Lambda's events, made from answers of SQS and DynamoDB Streams, which differ in names and types."""

from __future__ import annotations

import base64
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from localstack.clients import ACCOUNT, REGION

Event = dict[str, Any]
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Context:
    """Lambda's context, as far as handlers and their libraries read it. A function that takes longer is not stopped."""

    function_name: str
    timeout: float
    begun: float = field(default_factory=time.monotonic)
    aws_request_id: str = field(default_factory=lambda: str(uuid.uuid4()))
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 1024
    log_group_name: str = "local"
    log_stream_name: str = "local"

    @property
    def invoked_function_arn(self) -> str:
        return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        return max(0, round(1000 * (self.begun + self.timeout - time.monotonic())))


def queue_event(messages: Iterable[Record], arn: str) -> Event:
    """Returns the event for a batch of SQS messages."""
    return {"Records": [_message(message, arn) for message in messages]}


def _message(message: Record, arn: str) -> Event:
    attributes = message.get("MessageAttributes", {})
    return {
        "messageId": message["MessageId"],
        "receiptHandle": message["ReceiptHandle"],
        "body": message["Body"],
        "attributes": dict(message["Attributes"]),
        "messageAttributes": {name: _lower_camel(value) for name, value in attributes.items()},
        "md5OfBody": message["MD5OfBody"],
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": arn.split(":")[3],
    }


def _lower_camel(attribute: Record) -> Event:
    return {name[0].lower() + name[1:]: _plain(value) for name, value in attribute.items()}


def stream_event(records: Iterable[Record], arn: str) -> Event:
    """Returns the event for a batch of a table's changes."""
    return {"Records": [{**_plain(record), "eventSourceARN": arn} for record in records]}


def _plain(value: Any) -> Any:
    """Converts boto3's types to JSON's: times to epoch seconds, bytes to base64."""
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set):
        return [_plain(inner) for inner in value]
    if isinstance(value, datetime):
        return value.timestamp()
    return base64.b64encode(value).decode() if isinstance(value, bytes) else value


def clock_event(function: str) -> Event:
    """Returns the event of a schedule."""
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{function}"],
        "detail": {},
    }


def matches(record: Record, patterns: Iterable[Mapping[str, Any]]) -> bool:
    """Whether a record matches one of the patterns of a FilterCriteria; without patterns, every record does."""
    wanted = list(patterns)
    return not wanted or any(_matches(record, pattern) for pattern in wanted)


def _matches(value: Any, pattern: Any) -> bool:
    """Supports exact values only: a list names the values that match."""
    if isinstance(pattern, Mapping):
        return isinstance(value, Mapping) and all(
            name in value and _matches(value[name], inner) for name, inner in pattern.items()
        )
    if any(isinstance(choice, Mapping) for choice in pattern):
        raise ValueError(f"only exact values are supported, not {pattern}")
    return value in pattern
