"""Request bodies as types: the same types that validate describe the API."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Annotated, TypeVar

import msgspec

from chalicelib.errors import FieldProblem, InvalidRequest, TooManyFiles
from chalicelib.limits import (
    FILE_ID_MAX,
    FILE_ID_MIN,
    LINK_TTL_MAX_SECONDS,
    LINK_TTL_MIN_SECONDS,
    MAX_FILES_PER_JOB,
)

FileId = Annotated[int, msgspec.Meta(ge=FILE_ID_MIN, le=FILE_ID_MAX)]
LinkTtl = Annotated[int, msgspec.Meta(ge=LINK_TTL_MIN_SECONDS, le=LINK_TTL_MAX_SECONDS)]


class InitiateRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST /v1/download/initiate."""

    # The upper bound is told by TooManyFiles (413), so it is documented here but enforced in `initiate_request`.
    file_ids: Annotated[
        list[FileId], msgspec.Meta(min_length=1, extra_json_schema={"maxItems": MAX_FILES_PER_JOB})
    ]
    linkTtlSeconds: LinkTtl | None = None  # noqa: N815 - the name in JSON


class CheckRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST /v1/download/check."""

    file_id: FileId


S = TypeVar("S", bound=msgspec.Struct)

_decode_initiate = msgspec.json.Decoder(InitiateRequest).decode
_decode_check = msgspec.json.Decoder(CheckRequest).decode


def initiate_request(body: bytes) -> InitiateRequest:
    """Raises InvalidRequest naming the offending field, and TooManyFiles."""
    request = _decode(_decode_initiate, body)
    if len(request.file_ids) > MAX_FILES_PER_JOB:
        raise TooManyFiles(count=len(request.file_ids), limit=MAX_FILES_PER_JOB)
    return request


def check_request(body: bytes) -> CheckRequest:
    """Raises InvalidRequest naming the offending field."""
    return _decode(_decode_check, body)


def whole_number(name: str, text: str | None, *, low: int, high: int, default: int) -> int:
    """A query parameter. Raises InvalidRequest."""
    if text is None:
        return default
    if not text.isascii() or not text.isdecimal() or len(text) > 18 or not low <= int(text) <= high:
        raise InvalidRequest([FieldProblem(f"/{name}", f"{text!r} is not a whole number from {low} to {high}")])
    return int(text)


def _decode(decode: Callable[[bytes], S], body: bytes) -> S:
    try:
        return decode(body)
    except msgspec.ValidationError as error:
        raise InvalidRequest([_problem(str(error))]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest([FieldProblem("", f"the body is not valid JSON: {error}")]) from error


_PLACE = re.compile(r" - at `\$(?P<path>.*)`$")
_FIELD = re.compile(r"(?:unknown|required) field `(?P<name>.*?)`")


def _problem(message: str) -> FieldProblem:
    """msgspec says "… - at `$.file_ids[3]`"; RFC 6901 says /file_ids/3."""
    place = _PLACE.search(message)
    path = place["path"] if place else ""
    pointer = re.sub(r"\.([^.\[]+)|\[(\d+)\]", lambda step: f"/{step[1] or step[2]}", path)
    field = _FIELD.search(message)
    if field:
        pointer += "/" + field["name"].replace("~", "~0").replace("/", "~1")
    return FieldProblem(pointer, message[: place.start()] if place else message)
