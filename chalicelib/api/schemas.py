"""Request bodies as types: the same types that validate describe the API."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, TypeVar

import msgspec
from msgspec import UNSET, UnsetType

from chalicelib.errors import FieldProblem, InvalidRequest, TooManyFiles
from chalicelib.jobs.model import Layout, OnMissing
from chalicelib.limits import (
    FILE_ID_MAX,
    FILE_ID_MIN,
    LINK_TTL_MIN_SECONDS,
    MAX_CALLBACK_URL_CHARACTERS,
    MAX_FILES_PER_JOB,
    MAX_PAGE_EVENTS,
    MAX_PAGE_FILES,
    MAX_PAGE_JOBS,
    S3_MAX_KEY_BYTES,
    S3_MAX_PRESIGN_SECONDS,
)

FileId = Annotated[int, msgspec.Meta(ge=FILE_ID_MIN, le=FILE_ID_MAX)]
Key = Annotated[str, msgspec.Meta(min_length=1, max_length=S3_MAX_KEY_BYTES)]
AT_LEAST_ONE = msgspec.Meta(min_length=1, extra_json_schema={"maxItems": MAX_FILES_PER_JOB})
# What `new_job` accepts as a key, for the document only: below the allowed prefix, segments that are not empty, . or ..
_CONTROL = r"\x00-\x1f\x7f-\x9f"
_ANY, _NO_DOT = rf"[^/{_CONTROL}]", rf"[^/.{_CONTROL}]"
_SEGMENT = rf"({_NO_DOT}{_ANY}*|\.{_NO_DOT}{_ANY}*|\.\.{_ANY}+)"
KEY_BELOW_PREFIX = rf"^PREFIX(({_SEGMENT}/)*{_SEGMENT}/?)?$"
FILENAME_PATTERN = r"^[^\x00-\x1f\x7f/\\]+$"
CallbackUrl = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=MAX_CALLBACK_URL_CHARACTERS,
        description="where to tell that the job has ended: https, at a public address",
        extra_json_schema={"format": "uri"},
    ),
]
WAYS_TO_NAME = ("file_ids", "keys", "prefix")
LinkTtl = Annotated[
    int, msgspec.Meta(ge=LINK_TTL_MIN_SECONDS, le=S3_MAX_PRESIGN_SECONDS, description="life of the links, in seconds")
]


class ArchiveOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the ZIP of a job is to be."""

    filename: Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=FILENAME_PATTERN)] | UnsetType = UNSET
    layout: Annotated[Layout, msgspec.Meta(description="without folders, or with those below the prefix")] = "flat"
    onMissing: OnMissing = "skip"  # noqa: N815 - the name in JSON


class InitiateRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST /v1/download/initiate: exactly one of file_ids, keys and prefix."""

    # The upper bounds are told by TooManyFiles (413), so they are documented here but enforced in `initiate_request`.
    file_ids: Annotated[list[FileId], AT_LEAST_ONE] | UnsetType = UNSET
    keys: Annotated[list[Key], AT_LEAST_ONE] | UnsetType = UNSET
    prefix: Annotated[Key, msgspec.Meta(description="everything below it")] | UnsetType = UNSET
    archive: bool | ArchiveOptions = False
    linkTtlSeconds: LinkTtl | UnsetType = UNSET  # noqa: N815
    callbackUrl: CallbackUrl | UnsetType = UNSET  # noqa: N815


class CheckRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST /v1/download/check."""

    file_id: FileId


EXACTLY_ONE = msgspec.Meta(extra_json_schema={"oneOf": [{"required": [name]} for name in WAYS_TO_NAME]})

S = TypeVar("S", bound=msgspec.Struct)

_decode_initiate = msgspec.json.Decoder(InitiateRequest).decode
_decode_check = msgspec.json.Decoder(CheckRequest).decode


def initiate_request(body: bytes) -> InitiateRequest:
    """Raises InvalidRequest naming the offending field, and TooManyFiles."""
    request = _decode(_decode_initiate, body)
    given = [name for name in WAYS_TO_NAME if getattr(request, name) is not UNSET]
    if len(given) != 1:
        pointer = f"/{given[1]}" if given else "/file_ids"
        raise InvalidRequest([FieldProblem(pointer, "exactly one of `file_ids`, `keys` and `prefix` is required")])
    for asked in (request.file_ids, request.keys):
        if asked is not UNSET and len(asked) > MAX_FILES_PER_JOB:
            raise TooManyFiles(count=len(asked), limit=MAX_FILES_PER_JOB)
    return request


def check_request(body: bytes) -> CheckRequest:
    """Raises InvalidRequest naming the offending field."""
    return _decode(_decode_check, body)


@dataclass(frozen=True, slots=True)
class WholeNumber:
    """A query parameter that is a whole number."""

    name: str
    low: int
    high: int
    default: int

    def read(self, text: str | None) -> int:
        """The number, or what stands for none. Raises InvalidRequest."""
        if text is None:
            return self.default
        if not text.isascii() or not text.isdecimal() or len(text) > 18 or not self.low <= int(text) <= self.high:
            detail = f"{text!r} is not a whole number from {self.low} to {self.high}"
            raise InvalidRequest([FieldProblem(f"/{self.name}", detail)])
        return int(text)


FILES_CURSOR = WholeNumber("cursor", 0, MAX_FILES_PER_JOB, default=0)
FILES_LIMIT = WholeNumber("limit", 1, MAX_PAGE_FILES, default=MAX_PAGE_FILES)
JOBS_LIMIT = WholeNumber("limit", 1, MAX_PAGE_JOBS, default=20)
EVENTS_LIMIT = WholeNumber("limit", 1, MAX_PAGE_EVENTS, default=100)


def flag(name: str, text: str | None) -> bool:
    """A query parameter that is off unless it says `true`. Raises InvalidRequest."""
    if text not in (None, "true", "false"):
        raise InvalidRequest([FieldProblem(f"/{name}", f"{text!r} is neither true nor false")])
    return text == "true"


def _decode(decode: Callable[[bytes], S], body: bytes) -> S:
    try:
        return decode(body)
    except msgspec.ValidationError as error:
        raise InvalidRequest([_problem(str(error))]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest([FieldProblem("", f"the body is not valid JSON: {error}")]) from error


_PLACE = re.compile(r" - at `\$(?P<path>.*)`$")
_FIELD = re.compile(r"(?:unknown|required) field `(?P<name>.*)`", re.DOTALL)
_LONGEST = 200  # characters of a caller's own words that an answer repeats


def _problem(message: str) -> FieldProblem:
    """msgspec says "… - at `$.file_ids[3]`"; RFC 6901 says /file_ids/3."""
    place = _PLACE.search(message)
    path = place["path"] if place else ""
    pointer = re.sub(r"\.([^.\[]+)|\[(\d+)\]", lambda step: f"/{step[1] or step[2]}", path)
    field = _FIELD.search(message)
    if field:
        pointer += "/" + field["name"].replace("~", "~0").replace("/", "~1")
    return FieldProblem(_clipped(pointer), _clipped(message[: place.start()] if place else message))


def _clipped(text: str) -> str:
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
