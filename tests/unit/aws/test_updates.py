"""Expressions of conditions and updates."""

from __future__ import annotations

import pytest

from chalicelib.aws import keys
from chalicelib.aws.updates import (
    Condition,
    ConditionCheck,
    Delete,
    Expression,
    Name,
    Put,
    Update,
    absent,
    at_least,
    at_most,
    begins_with,
    between,
    contains,
    equals,
    less,
    one_of,
    present,
    smaller,
)

KEY = keys.job("one")


@pytest.mark.parametrize(
    ("condition", "text", "values"),
    [
        (equals("status", "ready"), "#status = :v0", [{"S": "ready"}]),
        (less("size", 7), "#size < :v0", [{"N": "7"}]),
        (at_most("size", 7), "#size <= :v0", [{"N": "7"}]),
        (at_least("checked", Name("batches")), "#checked >= #batches", []),
        (between("sk", low="a", high="b"), "#sk BETWEEN :v0 AND :v1", [{"S": "a"}, {"S": "b"}]),
        (one_of("status", ["a", "b"]), "#status IN (:v0, :v1)", [{"S": "a"}, {"S": "b"}]),
        (absent("pk"), "attribute_not_exists(#pk)", []),
        (present("pk"), "attribute_exists(#pk)", []),
        (begins_with("sk", "EVENT#"), "begins_with(#sk, :v0)", [{"S": "EVENT#"}]),
        (contains("watched", "one"), "contains(#watched, :v0)", [{"S": "one"}]),
        (smaller("watched", 3), "size(#watched) < :v0", [{"N": "3"}]),
        (~absent("a") & (absent("b") | absent("c")), None, []),
    ],
)
def test_a_condition_is_written_with_placeholders(condition: Condition, text: str | None, values: list[object]) -> None:
    expression = Expression()
    written = expression.render(condition.tokens)
    nested = (
        "((NOT attribute_not_exists(#a)) AND (attribute_not_exists(#b) OR attribute_not_exists(#c)))"  # no other way
    )
    assert written == (text or nested)
    assert list(expression.values.values()) == values
    assert all(placeholder == f"#{name}" for placeholder, name in expression.names.items())


def test_an_update_writes_each_clause_once_and_its_condition_with_the_same_placeholders() -> None:
    update = Update(
        key=KEY,
        set={"status": "ready", "error": None, "size": 0},
        add={"version": 1},
        remove=["step", "sweep_at"],
        discard={"watched": {"one"}},
        condition=equals("status", "processing") & at_least("checked", Name("batches")),
    )
    assert update.request() == {
        "Key": KEY,
        "UpdateExpression": (
            "SET #status = :v0, #size = :v1 ADD #version :v2 REMOVE #step, #sweep_at DELETE #watched :v3"
        ),
        "ConditionExpression": "(#status = :v4 AND #checked >= #batches)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        "ExpressionAttributeNames": {
            f"#{name}": name
            for name in ("status", "size", "version", "step", "sweep_at", "watched", "checked", "batches")
        },
        "ExpressionAttributeValues": {
            ":v0": {"S": "ready"},
            ":v1": {"N": "0"},
            ":v2": {"N": "1"},
            ":v3": {"SS": ["one"]},
            ":v4": {"S": "processing"},
        },
    }


def test_an_action_without_a_condition_has_no_arguments_that_explain_one() -> None:
    assert Put(KEY).request() == {"Item": KEY}
    assert Delete(KEY).request() == {"Key": KEY}


def test_a_condition_stands_in_every_kind_of_action() -> None:
    condition = absent("pk")
    conditional = {
        "ConditionExpression": "attribute_not_exists(#pk)",
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        "ExpressionAttributeNames": {"#pk": "pk"},
    }
    assert Put(KEY, condition).request() == {"Item": KEY, **conditional}
    assert Delete(KEY, condition).request() == {"Key": KEY, **conditional}
    assert ConditionCheck(KEY, condition).request() == {"Key": KEY, **conditional}
