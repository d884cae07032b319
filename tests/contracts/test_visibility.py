"""When a failed message comes back, and where an unreadable one goes, on SQS (moto)."""

from __future__ import annotations

from collections.abc import Iterator
from random import uniform
from typing import Any

import boto3
import pytest

from chalicelib.aws.sqs import Retries
from chalicelib.errors import QueueUnavailable
from tests.support.aws import emulated_aws


@pytest.fixture
def client() -> Iterator[Any]:
    with emulated_aws():
        yield boto3.client("sqs")


def queue(client: Any) -> tuple[str, str]:
    """URL and ARN of a queue that hides what it hands out for a minute."""
    url = client.create_queue(QueueName="check", Attributes={"VisibilityTimeout": "60"})["QueueUrl"]
    arn = client.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    client.send_message(QueueUrl=url, MessageBody="work")
    return url, arn


def retries(client: Any, unreadable_url: str = "") -> Retries:
    return Retries(client, 1, 120, uniform, unreadable_url)


def received(client: Any, url: str) -> str | None:
    """The receipt handle of a message, if one is visible."""
    messages = client.receive_message(QueueUrl=url).get("Messages", [])
    return str(messages[0]["ReceiptHandle"]) if messages else None


def test_a_message_without_pause_is_back_at_once(client: Any) -> None:
    url, arn = queue(client)
    handle = received(client, url)
    assert handle is not None and received(client, url) is None
    retries(client).postpone(arn, handle, seconds=0)
    assert received(client, url) is not None


def test_a_postponed_message_stays_away(client: Any) -> None:
    url, arn = queue(client)
    handle = received(client, url)
    assert handle is not None
    retries(client).postpone(arn, handle, seconds=900)
    assert received(client, url) is None


@pytest.mark.parametrize("arn", ["arn:aws:sqs:us-east-1:123456789012:gone", "arn:aws:sqs:us-east-1:123456789012:check"])
def test_a_message_that_cannot_be_postponed_comes_back_by_itself(client: Any, arn: str) -> None:
    """The failure of the retry must not hide the failure of the work."""
    queue(client)
    retries(client).postpone(arn, "nonsense", seconds=5)


@pytest.mark.parametrize("body", ["not json", "[]", "\u2603 \U0001f69a"])
def test_an_unreadable_message_is_copied_with_the_reason(client: Any, body: str) -> None:
    url = client.create_queue(QueueName="unreadable")["QueueUrl"]
    retries(client, url).set_aside("arn:aws:sqs:us-east-1:123456789012:check", body, reason="not JSON: " + "x" * 9_000)
    (message,) = client.receive_message(QueueUrl=url, MessageAttributeNames=["All"])["Messages"]
    attributes = {name: found["StringValue"] for name, found in message["MessageAttributes"].items()}
    assert message["Body"] == body
    assert attributes["Queue"] == "arn:aws:sqs:us-east-1:123456789012:check"
    assert attributes["Reason"].startswith("not JSON: xxx") and len(attributes["Reason"]) == 500


def test_an_unreadable_message_stays_where_it_is_without_a_queue_for_it(client: Any) -> None:
    for url in ("", "https://sqs.us-east-1.amazonaws.com/123456789012/gone"):
        with pytest.raises(QueueUnavailable):
            retries(client, url).set_aside("arn:aws:sqs:us-east-1:123456789012:check", "body", reason="not JSON")
