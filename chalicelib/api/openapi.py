"""The OpenAPI 3.1 document, made of the table of operations and of the types that validate and answer."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import msgspec

from chalicelib import __version__
from chalicelib.api import problems
from chalicelib.api.answers import JobEnded, ProblemDocument
from chalicelib.api.described_headers import ALWAYS, HEADERS, OFTEN, WEBHOOK_HEADERS
from chalicelib.api.description import JSON, Access, Operation, Parameter, Reply
from chalicelib.api.operations import ANYWHERE, ELSEWHERE, INSIDE, OPERATIONS, TAGS, WITH_TICKET
from chalicelib.api.schemas import KEY_BELOW_PREFIX
from chalicelib.errors import LorryError, MethodNotAllowed, Unauthenticated
from chalicelib.limits import LINK_TTL_MAX_SECONDS

Schema = dict[str, Any]

_SYNTAX = re.compile(r"[\\^$.*+?()\[\]{}|]")  # re.escape escapes more than ECMA-262, the language of patterns, allows

DESCRIPTION = """\
Ask for up to 100,000 stored files in one request, watch the job, and get links that work, or one ZIP of all of them.

Every path answers `OPTIONS` (204); public paths and those of links answer `HEAD` as they do `GET`. Any other method
that is not listed is answered with 405 and `Allow`. What is nowhere listed is 404. Errors are
`application/problem+json` (RFC 9457); `error` is a stable code.

What a caller must show depends on the deployment: nothing, a bearer token, or a SigV4 signature.
"""

SECURITY_SCHEMES: Schema = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "Where `AUTH_MODE` is `jwt`: a token of the configured OIDC issuer.",
    },
    "sigv4": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "Where `AUTH_MODE` is `iam`: an AWS Signature Version 4.",
        "x-amazon-apigateway-authtype": "awsSigv4",
    },
    "ticket": {
        "type": "apiKey",
        "in": "query",
        "name": "ticket",
        "description": "What a browser sends that cannot send headers: good for one job, for some minutes.",
    },
}
_SHOWN: dict[Access, list[dict[str, list[str]]]] = {
    Access.PUBLIC: [],
    Access.CREDENTIALS: [{}, {"bearer": []}, {"sigv4": []}],
    Access.TICKET: [{}, {"bearer": []}, {"sigv4": []}, {"ticket": []}],
}


@dataclass(frozen=True, slots=True)
class Told:
    """One code with its row; `kind` is the error that it comes from, None where only the gateway tells it."""

    code: str
    problem: problems.Problem
    kind: type[LorryError] | None = None


_CARRIED: dict[str, Callable[[Told], bool]] = {
    "Allow": lambda told: told.kind is MethodNotAllowed,
    "Retry-After": lambda told: (
        told.problem.retry_after is not None or bool(told.kind and "retry_after" in told.kind.fields)
    ),
    "WWW-Authenticate": lambda told: told.kind is Unauthenticated,
}


@dataclass(frozen=True, slots=True)
class Deployment:
    """What the document of one deployment has of its own: the base URL, and what its settings make of schemas."""

    server_url: str = "/"
    allowed_prefix: str = "downloads/"
    longest_link: int = LINK_TTL_MAX_SECONDS


def document(deployment: Deployment) -> Schema:
    """The whole document, fit for JSON."""
    types = list({id(kind): kind for kind in _types()}.values())
    schemas, components = msgspec.json.schema_components(types, ref_template="#/components/schemas/{name}")
    _narrow(components["InitiateRequest"]["properties"], deployment)
    schema_of = {id(kind): schema for kind, schema in zip(types, schemas, strict=True)}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Lorry",
            "version": __version__,
            "summary": "Bulk downloads",
            "description": DESCRIPTION,
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": deployment.server_url or "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": _paths(schema_of),
        "webhooks": {"jobEnded": {"post": _webhook(schema_of[id(JobEnded)])}},
        "components": {
            "schemas": components,
            "headers": HEADERS,
            "responses": _shared_problems(),
            "securitySchemes": SECURITY_SCHEMES,
        },
    }


def possible(operation: Operation) -> tuple[type[LorryError], ...]:
    """Every error that an operation may answer with, each once."""
    inside = () if operation.access is Access.PUBLIC else INSIDE
    ticket = WITH_TICKET if operation.access is Access.TICKET else ()
    return tuple(dict.fromkeys((*operation.errors, *inside, *ticket, *ANYWHERE)))


def _types() -> Iterable[Any]:
    for operation in OPERATIONS:
        yield from (parameter.type for parameter in operation.parameters)
        yield from (reply.body for reply in operation.replies.values() if reply.body)
        if operation.body:
            yield operation.body
    yield from (ProblemDocument, JobEnded)


def _narrow(properties: Schema, deployment: Deployment) -> None:
    """What the settings refuse, the schema refuses."""
    prefix = _SYNTAX.sub(r"\\\g<0>", deployment.allowed_prefix)
    pattern = KEY_BELOW_PREFIX.replace("PREFIX", prefix)
    properties["keys"]["items"]["pattern"] = pattern
    properties["prefix"]["pattern"] = pattern
    properties["linkTtlSeconds"]["maximum"] = deployment.longest_link


def _paths(schema_of: dict[int, Schema]) -> Schema:
    paths: dict[str, Schema] = defaultdict(dict)
    for operation in OPERATIONS:
        paths[operation.path][operation.method.lower()] = _operation(operation, schema_of)
    return dict(paths)


def _operation(operation: Operation, schema_of: dict[int, Schema]) -> Schema:
    described: Schema = {
        "operationId": operation.id,
        "tags": [operation.tag],
        "summary": operation.summary,
        "security": _SHOWN[operation.access],
        "responses": _responses(operation, schema_of),
    }
    if operation.description:
        described["description"] = operation.description
    if operation.parameters:
        described["parameters"] = [_parameter(parameter, schema_of) for parameter in operation.parameters]
    if operation.body:
        examples = {name: {"value": value} for name, value in operation.examples.items()}
        content = {"schema": schema_of[id(operation.body)], "examples": examples}
        described["requestBody"] = {"required": True, "content": {JSON: content}}
    if operation.deprecated:
        described["deprecated"] = True
    return described


def _parameter(parameter: Parameter, schema_of: dict[int, Schema]) -> Schema:
    schema = schema_of[id(parameter.type)]
    return {
        "name": parameter.name,
        "in": parameter.place,
        "required": parameter.place == "path",
        "description": parameter.description,
        "schema": schema if parameter.default is None else {**schema, "default": parameter.default},
    }


def _responses(operation: Operation, schema_of: dict[int, Schema]) -> Schema:
    responses = {str(status): _reply(reply, schema_of) for status, reply in operation.replies.items()}
    for status, told in _by_status(_problems(operation)).items():
        own = responses.get(str(status))
        if own:  # /health answers 503 by itself, and so does the gateway
            problem = _problem_reply(told)
            own["content"] |= problem["content"]
            own["headers"] |= problem["headers"]
            own["description"] += f" {problem['description']}"
        else:
            responses[str(status)] = {"$ref": f"#/components/responses/{_name(told)}"}
    return dict(sorted(responses.items()))


def _reply(reply: Reply, schema_of: dict[int, Schema]) -> Schema:
    response: Schema = {"description": reply.description, "headers": _headers(reply.headers)}
    if reply.body:
        response["content"] = {reply.media_type: {"schema": schema_of[id(reply.body)]}}
    if reply.next:
        response["links"] = {name: {"operationId": name, "parameters": taken} for name, taken in reply.next.items()}
    return response


def _problems(operation: Operation) -> list[Told]:
    """Every problem that an operation may answer with, those of the gateway included."""
    told = [Told(code, problems.PROBLEMS[kind], kind) for kind in possible(operation) for code in problems.codes(kind)]
    told.append(Told("internal_error", problems.INTERNAL))
    gateway = {code: problem for code, problem in problems.GATEWAY.items() if _is_told(code, operation)}
    return told + [Told(code, problem) for code, problem in gateway.items() if code not in {one.code for one in told}]


def _is_told(code: str, operation: Operation) -> bool:
    return operation.access is not Access.PUBLIC or code != "forbidden"


def _by_status(told: Iterable[Told]) -> dict[int, list[Told]]:
    found: dict[int, list[Told]] = defaultdict(list)
    for one in told:
        found[int(one.problem.status)].append(one)
    return found


def _shared_problems() -> Schema:
    """Many operations fail alike."""
    groups = [[Told(kind.code, problems.PROBLEMS[kind], kind)] for kind in ELSEWHERE]
    groups += [told for operation in OPERATIONS for told in _by_status(_problems(operation)).values()]
    return {_name(told): _problem_reply(told) for told in groups}


def _name(told: list[Told]) -> str:
    return ".".join([str(int(told[0].problem.status)), *(one.code for one in told)])


def _problem_reply(told: list[Told]) -> Schema:
    """One answer for all problems of one status."""
    codes = [one.code for one in told]
    narrowed = {"properties": {"status": {"const": int(told[0].problem.status)}, "error": {"enum": codes}}}
    schema = {"allOf": [{"$ref": "#/components/schemas/ProblemDocument"}, narrowed]}
    names = [name for name, is_carried in _CARRIED.items() if any(is_carried(one) for one in told)]
    return {
        "description": " ".join(f"`{one.code}`: {one.problem.title}." for one in told),
        "headers": _headers(names),
        "content": {"application/problem+json": {"schema": schema}},
    }


def _headers(more: Iterable[str]) -> Schema:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*ALWAYS, *OFTEN, *more)}


def _webhook(payload: Schema) -> Schema:
    """What a receiver must be ready for."""
    return {
        "operationId": "jobEnded",
        "summary": "A job with a callback URL has ended",
        "description": (
            "Signed by Standard Webhooks 1.0.0 and sent at least once; with backoff for a day, until you answer 2xx, "
            "or 410 to get no more of it. It is thin on purpose: read the job."
        ),
        "parameters": [
            {"name": name, "in": "header", "required": True, "description": text, "schema": {"type": "string"}}
            for name, text in WEBHOOK_HEADERS.items()
        ],
        "requestBody": {"required": True, "content": {JSON: {"schema": payload}}},
        "responses": {
            "2XX": {"description": "You have it."},
            "410": {"description": "You want no more of it."},
            "default": {"description": "You want it again later."},
        },
    }
