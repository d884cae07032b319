"""Random sequences of calls: the simulated DynamoDB and AWS's DynamoDB Local answer alike and keep the same items."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contracts.simulation.comparing import outcome
from tests.contracts.simulation.dynamodb_cases import INDEX, TABLE, create_table
from tests.matrix.simulation.conftest import client_of
from tests.simulation.client import SimulatedClient
from tests.simulation.dynamodb.service import SimulatedDynamoDB
from tests.simulation.environment import Alone

EXAMPLES = 300

# --- values, and expressions with the values that they use

keys = st.fixed_dictionaries({"pk": st.sampled_from("ab"), "sk": st.sampled_from("123")}).map(
    lambda key: {name: {"S": value} for name, value in key.items()}
)
scalars = st.sampled_from(
    [{"N": "0"}, {"N": "1"}, {"N": "-2"}, {"N": "1.5"}, {"S": ""}, {"S": "x"}, {"S": "xy"}, {"BOOL": True}, {"B": b"x"}]
)
values = scalars | st.sampled_from(
    [
        {"NULL": True},
        {"NS": ["1", "2"]},
        {"NS": ["2", "3"]},
        {"SS": ["x"]},
        {"L": []},
        {"L": [{"N": "1"}, {"S": "x"}]},
        {"M": {}},
        {"M": {"a": {"N": "1"}, "l": {"L": [{"N": "2"}]}}},
    ]
)
attributes = st.sampled_from(["n", "t", "c", "l", "m", "#s"])
targets = attributes | st.sampled_from(["m.a", "m.l", "m.l[0]", "l[0]", "l[1]", "l[5]", "n.a", "zz.a"])
paths = targets | st.just("pk")
sections = ["SET", "REMOVE", "ADD", "DELETE"]


class Expressions:
    """Draws expressions and gathers the values that they name."""

    def __init__(self, draw: Any) -> None:
        self.draw = draw
        self.values: dict[str, Any] = {}

    def literal(self, strategy: st.SearchStrategy[Any] = values) -> str:
        name = f":v{len(self.values)}"
        self.values[name] = self.draw(strategy)
        return name

    def operand(self, of: st.SearchStrategy[str] = paths) -> str:
        if self.draw(st.booleans()):
            return str(self.draw(of))
        return self.literal()

    def condition(self, depth: int = 2) -> str:
        kind = self.draw(st.integers(0, 9 if depth else 6))
        match kind:
            case 0 | 1 | 2:
                operator = self.draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">="]))
                return f"{self.draw(paths)} {operator} {self.operand()}"
            case 3:
                return f"{self.draw(st.sampled_from(['attribute_exists', 'attribute_not_exists']))}({self.draw(paths)})"
            case 4:
                return (
                    f"{self.draw(st.sampled_from(['contains', 'begins_with']))}({self.draw(paths)}, {self.operand()})"
                )
            case 5:
                return f"{self.draw(paths)} IN ({self.operand()}, {self.operand()})"
            case 6:
                return f"size({self.draw(paths)}) > {self.literal(scalars)}"
            case 7:
                return f"NOT {self.condition(depth - 1)}"
            case 8:
                return f"({self.condition(depth - 1)})"
        joint = self.draw(st.sampled_from(["AND", "OR"]))
        return f"{self.condition(depth - 1)} {joint} {self.condition(depth - 1)}"

    def update(self) -> str:
        chosen = self.draw(st.lists(st.sampled_from(sections), min_size=1, max_size=2, unique=True))
        return " ".join(f"{section} {self._actions(section)}" for section in chosen)

    def _actions(self, section: str) -> str:
        return ", ".join(self._action(section) for _ in range(self.draw(st.integers(1, 2))))

    def _action(self, section: str) -> str:
        path = self.draw(targets)
        if section == "REMOVE":
            return str(path)
        if section in ("ADD", "DELETE"):
            return f"{path} {self.literal()}"
        match self.draw(st.integers(0, 5)):
            case 0:
                return f"{path} = {self.draw(targets)} {self.draw(st.sampled_from('+-'))} {self.literal(scalars)}"
            case 1:
                return f"{path} = if_not_exists({self.draw(targets)}, {self.operand(targets)})"
            case 2:
                return f"{path} = list_append({self.operand(targets)}, {self.operand(targets)})"
        return f"{path} = {self.operand(targets)}"

    def arguments(self, **expressions: str) -> dict[str, Any]:
        found: dict[str, Any] = dict(expressions)
        if any("#s" in text for text in expressions.values()):
            found["ExpressionAttributeNames"] = {"#s": "status"}
        if self.values:
            found["ExpressionAttributeValues"] = dict(self.values)
        return found


@st.composite
def items(draw: Any) -> dict[str, Any]:
    more = draw(st.dictionaries(st.sampled_from(["n", "t", "c", "l", "m", "status"]), values, max_size=4))
    index = {"g": {"S": "group"}, "h": {"N": str(draw(st.integers(0, 99)))}} if draw(st.booleans()) else {}
    return {**draw(keys), **more, **index}


@st.composite
def writes(draw: Any) -> tuple[str, dict[str, Any]]:
    """An action of a transaction, or an operation by itself."""
    expressions = Expressions(draw)
    kind = draw(st.sampled_from(["Put", "Update", "Update", "Delete"]))
    wanted = {} if kind != "Update" else {"UpdateExpression": expressions.update()}
    if draw(st.booleans()):
        wanted["ConditionExpression"] = expressions.condition()
    target = {"Item": draw(items())} if kind == "Put" else {"Key": draw(keys)}
    failure = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD"} if draw(st.booleans()) else {}
    return kind, {"TableName": TABLE, **target, **failure, **expressions.arguments(**wanted)}


def _key_of(write: tuple[str, dict[str, Any]]) -> tuple[str, str]:
    key = write[1].get("Key") or write[1]["Item"]
    return key["pk"]["S"], key["sk"]["S"]


@st.composite
def calls(draw: Any) -> tuple[str, dict[str, Any]]:
    kind = draw(st.integers(0, 9))
    if kind < 5:
        name, arguments = draw(writes())
        returned = draw(st.sampled_from(["NONE", "ALL_OLD"] + (["ALL_NEW"] if name == "Update" else [])))
        operation = {"Put": "put_item", "Update": "update_item", "Delete": "delete_item"}[name]
        return operation, {**arguments, "ReturnValues": returned}
    if kind < 7:
        actions = draw(st.lists(writes(), min_size=1, max_size=3, unique_by=_key_of))
        return "transact_write_items", {"TransactItems": [{name: arguments} for name, arguments in actions]}
    if kind == 7:
        wanted = draw(st.lists(keys, min_size=1, max_size=3, unique_by=lambda key: (key["pk"]["S"], key["sk"]["S"])))
        return "batch_get_item", {"RequestItems": {TABLE: {"Keys": wanted}}}
    return "query", draw(queries())


@st.composite
def queries(draw: Any) -> dict[str, Any]:
    expressions = Expressions(draw)
    operator = draw(st.sampled_from(["=", "<", "<=", ">", ">=", "BETWEEN", "begins_with"]))
    sort = expressions.literal(st.sampled_from([{"S": one} for one in ("1", "2", "3")]))
    condition = f"sk {operator} {sort}"
    if operator == "BETWEEN":
        condition += f" AND {sort}"
    elif operator == "begins_with":
        condition = f"begins_with(sk, {sort})"
    wanted = {"KeyConditionExpression": f"pk = {expressions.literal(st.just({'S': 'a'}))} AND {condition}"}
    if draw(st.booleans()):
        wanted["FilterExpression"] = expressions.condition(1)
    more = {"Limit": draw(st.integers(1, 3))} if draw(st.booleans()) else {}
    forward = {"ScanIndexForward": draw(st.booleans())}
    return {"TableName": TABLE, **expressions.arguments(**wanted), **more, **forward}


# --- the comparison


@pytest.fixture(scope="module")
def local(dynamodb_local_endpoint: str) -> Any:
    return client_of("dynamodb", dynamodb_local_endpoint)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
@given(sequence=st.lists(calls(), min_size=1, max_size=8))
def test_sequences_of_calls_have_the_same_outcomes(local: Any, sequence: list[tuple[str, Mapping[str, Any]]]) -> None:
    simulated: Any = SimulatedClient(SimulatedDynamoDB(Alone()))
    if TABLE in local.list_tables()["TableNames"]:
        local.delete_table(TableName=TABLE)
    for client in (simulated, local):
        create_table(client)
    for operation, arguments in sequence:
        ours = _comparable(outcome(getattr(simulated, operation), arguments))
        theirs = _comparable(outcome(getattr(local, operation), arguments))
        assert ours == theirs, f"{operation} {arguments}"
    assert _everything(simulated) == _everything(local)


def _comparable(answer: tuple[str, Any]) -> Any:
    """DynamoDB Local gives some reasons of a cancelled transaction as its error."""
    code, more = answer
    if code == "TransactionCanceledException" and any(
        r["Code"] == "ValidationError" for r in more["CancellationReasons"]
    ):
        return "ValidationException", {}
    if code == "ok" and "Responses" in more:  # a batch has no order
        return code, sorted(more["Responses"][TABLE], key=lambda item: str(sorted(item.items())))
    return answer


def _everything(client: Any) -> list[Any]:
    """All items of the table, and of its index."""
    found = []
    for name, value, more in (("pk", "a", {}), ("pk", "b", {}), ("g", "group", {"IndexName": INDEX})):
        wanted = {
            "TableName": TABLE,
            "KeyConditionExpression": f"{name} = :value",
            "ExpressionAttributeValues": {":value": {"S": value}},
            **more,
        }
        items = outcome(client.query, wanted)[1]["Items"]
        found.append(sorted(items, key=lambda item: (item["pk"]["S"], item["sk"]["S"])))
    return found
