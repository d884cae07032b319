"""Holds an answer of the app to the OpenAPI document: status, headers, content type and body, and nothing beyond."""

from __future__ import annotations

import copy
from typing import Any

import jsonschema_rs
from chalice.test import HTTPResponse

from chalicelib.api.openapi import document
from chalicelib.api.rendering import ALWAYS, RATE_LIMIT
from chalicelib.settings import Settings
from tests.support.services import ENVIRONMENT

Document = dict[str, Any]


def settings(**environment: str) -> Settings:
    """Of a deployment whose variables are these, else the defaults."""
    return Settings.from_environment({**ENVIRONMENT, **environment})


DOCUMENT: Document = document(settings())


def operations() -> dict[str, Document]:
    """By operationId."""
    return {operation["operationId"]: operation for path in DOCUMENT["paths"].values() for operation in path.values()}


OPERATIONS = operations()


def resolved(node: Document) -> Document:
    """What a reference leads to, or the node itself."""
    while "$ref" in node:
        found: Any = DOCUMENT
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def response_of(operation: str, status: int) -> Document:
    responses = OPERATIONS[operation]["responses"]
    assert str(status) in responses, f"{operation} answers {status}, documented are {', '.join(responses)}"
    return resolved(responses[str(status)])


def assert_documented(operation: str, answer: HTTPResponse, *, counted: bool = True) -> None:
    """Every header and value of the answer is in the document, and what is required there is in the answer.

    `counted` tells whether the call was counted, so that the answer tells of the caller's rate.
    """
    response = response_of(operation, answer.status_code)
    given = dict(answer.headers.items())
    assert given.keys() >= {*ALWAYS, *(RATE_LIMIT if counted else ())}
    _assert_headers(response["headers"], given)
    if not answer.body:
        assert "content" not in response
        return
    content_type = answer.headers["Content-Type"].partition(";")[0]
    content = response["content"].get(content_type) or response["content"].get("text/*")
    assert content, f"{operation} {answer.status_code} is {content_type}"
    if content_type.endswith("json"):
        _validate(content["schema"], answer.json_body)


def assert_valid(component: str, value: Any) -> None:
    """The value is what this component of the document describes."""
    _validate({"$ref": f"#/components/schemas/{component}"}, value)


def _validate(schema: Document, value: Any) -> None:
    jsonschema_rs.validator_for(_closed(schema), validate_formats=True).validate(value)


def _assert_headers(described: Document, given: dict[str, str]) -> None:
    undocumented = given.keys() - described.keys() - {"Content-Type"}
    assert not undocumented
    required = {name for name, header in described.items() if resolved(header)["required"]}
    assert required <= given.keys()
    for name, value in given.items():
        if name in described:
            _assert_value(resolved(described[name])["schema"], value)


def _assert_value(schema: Document, value: str) -> None:
    jsonschema_rs.validate(schema, int(value) if schema.get("type") == "integer" else value)


def _closed(schema: Document) -> Document:
    """The schema with its components; what they do not name is not allowed in an answer."""
    components = copy.deepcopy(DOCUMENT["components"]["schemas"])
    for component in components.values():
        if "properties" in component:
            component["additionalProperties"] = False
    return {**schema, "components": {"schemas": components}}
