"""The events that Lambda hands to functions: JSON, as tests/events has it recorded."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from tests.simulation.client import ACCOUNT, REGION
from tests.simulation.dynamodb.items import Item
from tests.simulation.dynamodb.tables import Change
from tests.simulation.sqs.queues import Message, Queue

Event = dict[str, Any]


def queue_event(messages: Sequence[Message], queue: Queue) -> Event:
    return {"Records": [_message(message, queue) for message in messages]}


def _message(message: Message, queue: Queue) -> Event:
    return {
        "messageId": message.message_id,
        "receiptHandle": message.receipt_handle,
        "body": message.body,
        "attributes": message.system_attributes,
        "messageAttributes": {name: _lower_camel(value) for name, value in message.attributes.items()},
        "md5OfBody": message.md5,
        "eventSource": "aws:sqs",
        "eventSourceARN": queue.arn,
        "awsRegion": REGION,
    }


def _lower_camel(attribute: Mapping[str, Any]) -> Event:
    return {f"{name[0].lower()}{name[1:]}": value for name, value in attribute.items()}


def stream_event(changes: Sequence[Change], stream_arn: str) -> Event:
    return {"Records": [_change(change, stream_arn) for change in changes]}


def _change(change: Change, stream_arn: str) -> Event:
    name = "INSERT" if change.old is None else "REMOVE" if change.new is None else "MODIFY"
    images = {"OldImage": change.old, "NewImage": change.new}
    record = {
        "eventID": f"{change.number:032x}",
        "eventName": name,
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": REGION,
        "dynamodb": {
            "ApproximateCreationDateTime": change.at_ms // 1000,
            "Keys": _json(change.keys),
            **{image: _json(item) for image, item in images.items() if item is not None},
            "SequenceNumber": sequence_number(change),
            "SizeBytes": 0,
            "StreamViewType": "NEW_AND_OLD_IMAGES",
        },
        "eventSourceARN": stream_arn,
    }
    if change.expired:
        record["userIdentity"] = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
    return record


def sequence_number(change: Change) -> str:
    return f"{change.number:021}"


def _json(item: Item) -> Any:
    """Binary values are base64 in JSON."""

    def plain(value: Any) -> Any:
        if isinstance(value, bytes):
            return base64.b64encode(value).decode()
        if isinstance(value, dict):
            return {name: plain(inner) for name, inner in value.items()}
        return [plain(inner) for inner in value] if isinstance(value, list) else value

    return plain(item)


def schedule_event(rule: str, event_id: str, now_ms: int) -> Event:
    return {
        "version": "0",
        "id": event_id,
        "detail-type": "Scheduled Event",
        "source": "aws.events",
        "account": ACCOUNT,
        "time": datetime.fromtimestamp(now_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [f"arn:aws:events:{REGION}:{ACCOUNT}:rule/{rule}"],
        "detail": {},
    }
