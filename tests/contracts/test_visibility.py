"""When a failed message comes back, on SQS (moto)."""

from __future__ import annotations

from collections.abc import Iterator
from random import uniform
from typing import Any

import boto3
import pytest

from chalicelib.aws.sqs import Retries
from tests.aws import emulated_aws


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


def received(client: Any, url: str) -> str | None:
    """The receipt handle of a message, if one is visible."""
    messages = client.receive_message(QueueUrl=url).get("Messages", [])
    return str(messages[0]["ReceiptHandle"]) if messages else None


def test_a_message_without_pause_is_back_at_once(client: Any) -> None:
    url, arn = queue(client)
    handle = received(client, url)
    assert handle is not None and received(client, url) is None
    Retries(client, 1, 120, uniform).postpone(arn, handle, seconds=0)
    assert received(client, url) is not None


def test_a_postponed_message_stays_away(client: Any) -> None:
    url, arn = queue(client)
    handle = received(client, url)
    assert handle is not None
    Retries(client, 1, 120, uniform).postpone(arn, handle, seconds=900)
    assert received(client, url) is None


@pytest.mark.parametrize("arn", ["arn:aws:sqs:us-east-1:123456789012:gone", "arn:aws:sqs:us-east-1:123456789012:check"])
def test_a_message_that_cannot_be_postponed_comes_back_by_itself(client: Any, arn: str) -> None:
    """The failure of the retry must not hide the failure of the work."""
    queue(client)
    Retries(client, 1, 120, uniform).postpone(arn, "nonsense", seconds=5)
