"""The runner's events have the form of Lambda's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord

from localstack.events import Context, clock_event, matches, queue_event, stream_event

QUEUE = "arn:aws:sqs:us-east-1:000000000000:check"
STREAM = "arn:aws:dynamodb:us-east-1:000000000000:table/jobs/stream/now"
ONLY_JOBS = {"dynamodb": {"Keys": {"sk": {"S": ["JOB"]}}}}

MESSAGE = {
    "MessageId": "m-1",
    "ReceiptHandle": "handle",
    "Body": "{}",
    "MD5OfBody": "99914b932bd37a50b983c5e7c90ae93b",
    "Attributes": {"ApproximateReceiveCount": "3", "SentTimestamp": "1"},
    "MessageAttributes": {"trace": {"StringValue": "abc", "DataType": "String"}},
}


def change(sort_key: str) -> dict[str, Any]:
    return {
        "eventID": "1",
        "eventName": "MODIFY",
        "dynamodb": {
            "ApproximateCreationDateTime": datetime(2026, 1, 1, tzinfo=UTC),
            "Keys": {"pk": {"S": "JOB#1"}, "sk": {"S": sort_key}},
            "NewImage": {"blob": {"B": b"\x00\xff"}, "set": {"BS": [b"a"]}, "count": {"N": "1"}},
            "SequenceNumber": "7",
        },
    }


def test_a_message_has_the_form_of_lambdas_event() -> None:
    (record,) = queue_event([MESSAGE], QUEUE)["Records"]
    found = SQSRecord(record)
    assert (found.message_id, found.receipt_handle, found.body) == ("m-1", "handle", "{}")
    assert (found.event_source_arn, found.attributes.approximate_receive_count) == (QUEUE, "3")
    assert record["awsRegion"] == "us-east-1"
    assert record["messageAttributes"] == {"trace": {"stringValue": "abc", "dataType": "String"}}


def test_times_and_bytes_of_a_change_are_json() -> None:
    (record,) = stream_event([change("JOB")], STREAM)["Records"]
    assert record["eventSourceARN"] == STREAM
    assert record["dynamodb"]["ApproximateCreationDateTime"] == 1_767_225_600.0
    assert record["dynamodb"]["NewImage"] == {"blob": {"B": "AP8="}, "set": {"BS": ["YQ=="]}, "count": {"N": "1"}}


@pytest.mark.parametrize(("sort_key", "wanted"), [("JOB", True), ("BATCH#1", False)])
def test_only_changes_that_match_a_pattern_are_passed_on(sort_key: str, wanted: bool) -> None:
    assert matches(change(sort_key), [ONLY_JOBS]) is wanted
    assert matches(change(sort_key), [])


def test_a_pattern_that_is_not_supported_is_an_error() -> None:
    with pytest.raises(ValueError, match="only exact values"):
        matches(change("JOB"), [{"dynamodb": {"Keys": {"sk": {"S": [{"prefix": "J"}]}}}}])


def test_a_scheduled_event_has_a_time() -> None:
    assert datetime.fromisoformat(clock_event("sweep")["time"]).tzinfo is not None


def test_the_remaining_time_ends_at_nothing() -> None:
    assert 19_000 < Context("check", 20.0).get_remaining_time_in_millis() <= 20_000
    assert Context("check", 0.0).get_remaining_time_in_millis() == 0
