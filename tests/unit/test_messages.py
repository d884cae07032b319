"""The queue contract."""

from __future__ import annotations

import json
from typing import get_args, get_type_hints

import pytest

from chalicelib.errors import UnreadableMessage
from chalicelib.limits import KiB
from chalicelib.messages import AnyMessage, CheckBatch, DispatchJob, decode, decode_any, encode

JOB = "6f6b0f9e-0000-4000-8000-000000000001"
SAMPLES = [kind(**{name: hint("7") for name, hint in get_type_hints(kind).items()}) for kind in get_args(AnyMessage)]


@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: type(message).__name__)
def test_a_message_comes_back_as_it_was_sent(message: AnyMessage) -> None:
    assert decode(encode(message), type(message)) == message


@pytest.mark.parametrize("message", SAMPLES, ids=lambda message: type(message).__name__)
def test_a_message_holds_ids_only(message: AnyMessage) -> None:
    assert len(encode(message)) < KiB


def test_the_wire_format_is_what_other_versions_expect() -> None:
    assert json.loads(encode(CheckBatch(JOB, 3))) == {
        "kind": "CheckBatch.v1",
        "job_id": JOB,
        "batch": 3,
        "generation": 1,
    }
    assert json.loads(encode(DispatchJob(JOB))) == {
        "kind": "DispatchJob.v1",
        "job_id": JOB,
        "generation": 1,
        "resume": False,
    }


@pytest.mark.parametrize(
    "body",
    [
        "",
        "not JSON",
        "[]",
        "null",
        '"CheckBatch"',
        "{}",
        '{"kind":"DispatchJob","job_id":"a"}',
        '{"kind":"DispatchJob.v2","job_id":"a"}',
        '{"v":1,"kind":"DispatchJob","job_id":"a"}',
        '{"job_id":"a"}',
        '{"kind":"Nonsense.v1","job_id":"a"}',
        '{"kind":["DispatchJob.v1"],"job_id":"a"}',
        '{"kind":"DispatchJob.v1"}',
        '{"kind":"DispatchJob.v1","job_id":1}',
        '{"kind":"DispatchJob.v1","job_id":null}',
        '{"kind":"DispatchJob.v1","job_id":"a","extra":1}',
        '{"kind":"CheckBatch.v1","job_id":"a"}',
        '{"kind":"CheckBatch.v1","job_id":"a","batch":"0"}',
        '{"kind":"CheckBatch.v1","job_id":"a","batch":0.5}',
        '{"kind":"CheckBatch.v1","job_id":"a","batch":true}',
        '{"kind":"CheckBatch.v1","job_id":"a","batch":null}',
        '{"kind":"CheckBatch.v1","job_id":"\ud800","batch":0}',
        "[" * 100_000,
    ],
)
def test_a_body_that_is_no_message_is_refused(body: str) -> None:
    with pytest.raises(UnreadableMessage):
        decode_any(body)


def test_a_message_of_another_kind_is_refused() -> None:
    with pytest.raises(UnreadableMessage, match="expected CheckBatch, got DispatchJob"):
        decode(encode(DispatchJob(JOB)), CheckBatch)


def test_an_unreadable_message_is_not_worth_a_retry() -> None:
    assert not UnreadableMessage.retryable
