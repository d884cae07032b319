"""A DynamoDB client with the rights that a role has on the table: actions and leading keys, as IAM decides them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any

from tests.support.deployment import refused

Statement = Mapping[str, Any]

ACTIONS = {
    "get_item": "GetItem",
    "put_item": "PutItem",
    "update_item": "UpdateItem",
    "delete_item": "DeleteItem",
    "query": "Query",
}
IN_TRANSACTIONS = {
    "Put": "PutItem",
    "Update": "UpdateItem",
    "Delete": "DeleteItem",
    "ConditionCheck": "ConditionCheckItem",
}


class Guarded:
    """The client `inner`, which refuses what none of the `statements` about the table allows."""

    def __init__(self, inner: Any, statements: Iterable[Statement]) -> None:
        self._inner, self._statements = inner, list(statements)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        call: Callable[..., Any] = getattr(self._inner, name)

        def guarded(**request: Any) -> Any:
            for action, key in _touched(name, request):
                if not any(_allows(statement, action, key) for statement in self._statements):
                    raise refused(action, "AccessDeniedException", f"dynamodb:{action} on {key}")
            return call(**request)

        return guarded


def _touched(name: str, request: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The actions and leading keys of a request."""
    if name == "transact_write_items":
        for item in request["TransactItems"]:
            ((kind, inner),) = item.items()
            yield IN_TRANSACTIONS[kind], _leading_key(inner)
    else:
        yield ACTIONS[name], _leading_key(request)


def _leading_key(request: Mapping[str, Any]) -> str:
    row = request.get("Key") or request.get("Item")
    if row:
        return str(row["pk"]["S"])
    condition, values = request["KeyConditionExpression"], request["ExpressionAttributeValues"]
    (value,) = [value["S"] for name, value in values.items() if f"= {name}" in condition]
    return str(value)


def _allows(statement: Statement, action: str, key: str) -> bool:
    actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
    allowed = statement.get("Condition", {}).get("ForAllValues:StringLike", {}).get("dynamodb:LeadingKeys", ["*"])
    return f"dynamodb:{action}" in actions and any(fnmatchcase(key, pattern) for pattern in allowed)
