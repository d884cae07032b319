"""The OpenAPI 3.1 document, rendered from the table of operations, the table of problems and the types of bodies."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta, defstruct

from chalicelib import __version__, errors
from chalicelib.api import rendering
from chalicelib.api.answers import JobEnded, ProblemDocument
from chalicelib.api.contract import JSON, AccessPolicy, Operation, Parameter, Reply, camel_case, resolve
from chalicelib.api.operations import OPERATIONS, TAGS
from chalicelib.api.problems import GATEWAY, INTERNAL, INTERNAL_CODE, Problem, by_code
from chalicelib.api.rendering import HEADERS, LIMIT_GROUPS, USUAL
from chalicelib.api.requests import KEY_BELOW_PREFIX, WholeNumber, max_link_ttl
from chalicelib.delivery.job_summary import Size
from chalicelib.settings import Settings

Schema = dict[str, Any]

DESCRIPTION = """\
Request up to 100,000 stored files at once, follow the job, and get links to the files, or one ZIP of all of them.

Every path answers `OPTIONS` (204); public paths and those of links answer `HEAD` like `GET`. Any other method that is
not listed is answered with 405 and `Allow`, any other path with 404. Errors are `application/problem+json` (RFC 9457);
`error` is a stable code.

The deployment decides which credentials a caller needs: none, a bearer token, or a SigV4 signature.
"""

SECURITY_SCHEMES: Schema = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "If `AUTH_MODE` is `jwt`: a token of the configured OIDC issuer.",
    },
    "sigv4": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "If `AUTH_MODE` is `iam`: an AWS Signature Version 4.",
        "x-amazon-apigateway-authtype": "awsSigv4",
    },
    "ticket": {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "For browsers, which cannot send headers here: valid for one job and for some minutes.",
    },
}

# Standard Webhooks 1.0.0
WEBHOOK_HEADERS = {
    "webhook-id": "The same for every attempt, so that a receiver can drop what it has seen.",
    "webhook-timestamp": "Time of this attempt, in seconds since 1970.",
    "webhook-signature": "`v1,` and the base64 of an HMAC-SHA-256; several, separated by spaces, while secrets rotate.",
}
_SYNTAX = re.compile(r"[\\^$.*+?()\[\]{}|]")  # re.escape escapes more than ECMA-262, the language of patterns, allows


def document(settings: Settings, base: str = "") -> Schema:
    """The whole document of a deployment, fit for JSON. `base` is the URL that the paths begin with."""
    types = _types(settings)
    schemas, components = msgspec.json.schema_components(types.values(), ref_template="#/components/schemas/{name}")
    _narrow(components["InitiateRequest"]["properties"], settings)
    schema_of = dict(zip(types, schemas, strict=True))
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lorry",
            "version": __version__,
            "summary": "Bulk downloads",
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": base or "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": _paths(schema_of),
        "webhooks": {"jobEnded": {"post": _webhook(schema_of["answers.JobEnded"])}},
        "components": {
            "schemas": components,
            "headers": HEADERS,
            "responses": _shared_problems(),
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def possible(operation: Operation) -> tuple[type[errors.LorryError], ...]:
    """Every error that an operation may answer with, each once."""
    found = [*operation.errors]
    if operation.access.credentials:
        found += [errors.Unauthenticated, errors.KeysUnavailable]
    if operation.access.tickets:
        found += [errors.SecretUnavailable]
    return tuple(dict.fromkeys((*found, errors.TooManyRequests)))


# --- types ------------------------------------------------------------------------------


def _types(settings: Settings) -> dict[str, Any]:
    """Every type that the table names, by its name there."""
    names: dict[str, None] = {}
    for operation in OPERATIONS:
        names |= dict.fromkeys(parameter.type for parameter in operation.parameters)
        names |= dict.fromkeys(reply.body for reply in operation.replies.values() if reply.body)
        names |= {operation.body: None} if operation.body else {}
    types = {name: resolve(name) for name in names}
    types = {name: _number(found) if isinstance(found, WholeNumber) else found for name, found in types.items()}
    return types | {
        "rendering.limits": _limits(settings),
        "answers.ProblemDocument": ProblemDocument,
        "answers.JobEnded": JobEnded,
    }


def _number(number: WholeNumber) -> Any:
    return Annotated[int, Meta(ge=number.low, le=number.high, extra_json_schema={"default": number.default})]


def _limits(settings: Settings) -> Any:
    """The type of what `rendering.limits` returns: a struct of structs."""
    groups = []
    for group, numbers in rendering.limits(settings).items():
        name = f"{group[0].upper()}{group[1:].removesuffix('s')}Limits"
        fields = [(field, Size if field == "maxBytes" else type(value)) for field, value in numbers.items()]
        groups.append((group, defstruct(name, fields, namespace={"__doc__": LIMIT_GROUPS.get(group)})))
    return defstruct("LimitsDocument", groups, namespace={"__doc__": "Every limit that the service enforces."})


def _narrow(properties: Schema, settings: Settings) -> None:
    """Makes the schema refuse what the settings refuse."""
    prefix = _SYNTAX.sub(r"\\\g<0>", settings.s3_allowed_prefix)
    pattern = KEY_BELOW_PREFIX.replace("PREFIX", prefix)
    properties["keys"]["items"]["pattern"] = pattern
    properties["prefix"]["pattern"] = pattern
    properties["linkTtlSeconds"]["maximum"] = max_link_ttl(settings)


# --- operations -------------------------------------------------------------------------


def _paths(schema_of: Mapping[str, Schema]) -> Schema:
    paths: dict[str, Schema] = defaultdict(dict)
    for operation in OPERATIONS:
        paths[camel_case(operation.path)][operation.method.lower()] = _operation(operation, schema_of)
    return dict(paths)


def _operation(operation: Operation, schema_of: Mapping[str, Schema]) -> Schema:
    described: Schema = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "security": _security(operation.access),
        "responses": _responses(operation, schema_of),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.parameters:
        described["parameters"] = [_parameter(parameter, schema_of) for parameter in operation.parameters]
    if operation.body:
        examples = {name: {"value": value} for name, value in operation.examples.items()}
        content = {"schema": schema_of[operation.body], "examples": examples}
        described["requestBody"] = {"required": True, "content": {JSON: content}}
    if operation.deprecated:
        described["deprecated"] = True
    return described


def _security(access: AccessPolicy) -> list[dict[str, list[str]]]:
    if not access.credentials:
        return []
    ways: list[dict[str, list[str]]] = [{}, {"bearer": []}, {"sigv4": []}]
    if access.tickets:
        ways.append({"ticket": []})
    return ways


def _parameter(parameter: Parameter, schema_of: Mapping[str, Schema]) -> Schema:
    schema = schema_of[parameter.type]
    in_path = parameter.place == "path"
    return {
        "name": camel_case(parameter.name) if in_path else parameter.name,
        "in": parameter.place,
        "required": in_path,
        "description": parameter.description,
        "schema": schema if parameter.default is None else {**schema, "default": parameter.default},
    }


def _responses(operation: Operation, schema_of: Mapping[str, Schema]) -> Schema:
    responses = {str(status): _reply(reply, schema_of) for status, reply in operation.replies.items()}
    for status, found in _problems(operation).items():
        own = responses.get(status)
        if own:  # /health answers 503 by itself, and so does the gateway
            problem = _problem_reply(found)
            own["content"] |= problem["content"]
            own["headers"] |= problem["headers"]
            own["description"] += f" {problem['description']}"
        else:
            responses[status] = {"$ref": f"#/components/responses/{_name(found)}"}
    return dict(sorted(responses.items()))


def _reply(reply: Reply, schema_of: Mapping[str, Schema]) -> Schema:
    response: Schema = {"description": reply.description, "headers": _headers(reply.headers)}
    if reply.body:
        response["content"] = {reply.media_type: {"schema": schema_of[reply.body]}}
    if reply.links:
        response["links"] = {name: {"operationId": name, "parameters": taken} for name, taken in reply.links.items()}
    return response


def _headers(more: Iterable[str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*USUAL, *more)}


# --- problems ---------------------------------------------------------------------------

Problems = dict[str, Problem]  # by code


def _problems(operation: Operation) -> dict[str, Problems]:
    """Every problem that an operation may answer with, those of the gateway included, by status."""
    gateway = {code: row for code, row in GATEWAY.items() if operation.access.credentials or code != "forbidden"}
    own = by_code(possible(operation))
    return _by_status(
        {**own, INTERNAL_CODE: INTERNAL, **{code: row for code, row in gateway.items() if code not in own}}
    )


def _by_status(found: Problems) -> dict[str, Problems]:
    statuses: dict[str, Problems] = defaultdict(dict)
    for code, problem in found.items():
        statuses[str(problem.status)][code] = problem
    return statuses


def _shared_problems() -> Schema:
    """Many operations fail in the same ways."""
    groups = [by_code([errors.RouteNotFound]), by_code([errors.MethodNotAllowed])]
    groups += [found for operation in OPERATIONS for found in _problems(operation).values()]
    return {_name(found): _problem_reply(found) for found in groups}


def _name(found: Problems) -> str:
    status = next(iter(found.values())).status
    return ".".join([str(status), *found])


def _problem_reply(found: Problems) -> Schema:
    """One answer for all problems of one status."""
    status = next(iter(found.values())).status
    narrowed = {"properties": {"status": {"const": status}, "error": {"enum": list(found)}}}
    schema = {"allOf": [{"$ref": "#/components/schemas/ProblemDocument"}, narrowed]}
    carried = {name for row in found.values() for name in row.headers}
    carried |= {"Retry-After" for row in found.values() if row.retry_after is not None}
    return {
        "description": " ".join(f"`{code}`: {row.title}." for code, row in found.items()),
        "headers": _headers(sorted(carried)),
        "content": {"application/problem+json": {"schema": schema}},
    }


# --- webhooks ---------------------------------------------------------------------------


def _webhook(payload: Schema) -> Schema:
    return {
        "operationId": "jobEnded",
        "summary": "A job with a callback URL has ended",
        "description": (
            "Signed by Standard Webhooks 1.0.0 and sent at least once; repeated with backoff for a day, until you "
            "answer 2xx, or 410 to unsubscribe. The payload is small: read the job for more."
        ),
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
            for name, text in WEBHOOK_HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {JSON: {"schema": payload}}},
        "responses": {
            "2XX": {"description": "Received."},
            "410": {"description": "Send no more of this job."},
            "default": {"description": "Send it again later."},
        },
    }
