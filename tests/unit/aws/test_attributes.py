"""Plain values as DynamoDB's attributes."""

from __future__ import annotations

from typing import Any

import pytest
from boto3.dynamodb.types import TypeDeserializer, TypeSerializer

from chalicelib.aws.attributes import attribute, attributes, plain
from chalicelib.jobs.model import JobStatus

VALUES: list[Any] = [
    "text",
    "",
    "ü\x00\n",
    0,
    -7,
    2**63,
    True,
    False,
    None,
    [1, "two", [None]],
    {"a": 1, "b": {"c": [True]}},
    {"one", "two"},
    {1, 2},
]


@pytest.mark.parametrize("value", VALUES, ids=repr)
def test_a_value_lies_in_a_row_as_the_sdk_would_put_it_and_comes_back(value: Any) -> None:
    stored = attribute(value)
    sets = {kind: sorted(members) for kind, members in stored.items() if kind in ("SS", "NS")}
    theirs = TypeSerializer().serialize(value)
    assert (sets or stored) == ({kind: sorted(members) for kind, members in theirs.items()} if sets else theirs)
    assert plain({"value": stored}) == {"value": value}
    assert TypeDeserializer().deserialize(stored) == value


def test_bytes_come_back() -> None:
    assert plain(attributes({"body": b"\x00\xff"})) == {"body": b"\x00\xff"}


def test_an_enumeration_is_stored_by_its_value() -> None:
    assert attribute(JobStatus.READY) == {"S": "ready"}


def test_what_is_none_is_left_out_of_a_row() -> None:
    assert attributes({"a": None, "b": 0, "c": ""}) == {"b": {"N": "0"}, "c": {"S": ""}}


@pytest.mark.parametrize("value", [1.5, object(), set()], ids=repr)
def test_a_value_that_no_row_holds_is_refused(value: Any) -> None:
    with pytest.raises(TypeError, match="no attribute"):
        attribute(value)
