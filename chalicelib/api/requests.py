"""Requests: bodies as types, which validate and describe alike; parameters; the new job that a valid body asks for."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from chalicelib.api.bodies import decoded
from chalicelib.archive.names import DECEPTIVE
from chalicelib.delivery.callback_urls import check_callback_url
from chalicelib.errors import FieldProblem, InvalidRequest, JobNotFound, TooManyFiles, UnsafeCallbackUrl
from chalicelib.jobs.model import ArchiveRequest, Layout, OnMissing, RequestedFile
from chalicelib.jobs.service import NewJob
from chalicelib.limits import (
    FILE_ID_MAX,
    FILE_ID_MIN,
    LINK_TTL_MAX_SECONDS,
    LINK_TTL_MIN_SECONDS,
    MAX_CALLBACK_URL_CHARACTERS,
    MAX_FILES_PER_JOB,
    MAX_IDEMPOTENCY_KEY_CHARACTERS,
    MAX_LABEL_CHARACTERS,
    MAX_PAGE_EVENTS,
    MAX_PAGE_FILES,
    MAX_PAGE_JOBS,
    S3_MAX_KEY_BYTES,
    S3_MAX_PRESIGN_SECONDS,
    TICKET_TTL_MAX_SECONDS,
    TICKET_TTL_MIN_SECONDS,
)
from chalicelib.settings import Settings

# --- bodies -----------------------------------------------------------------------------

FileId = Annotated[int, Meta(ge=FILE_ID_MIN, le=FILE_ID_MAX)]
Key = Annotated[str, Meta(min_length=1, max_length=S3_MAX_KEY_BYTES)]
# More is refused with TooManyFiles (413), so the upper bound is documented here and enforced in `initiate_request`.
AT_LEAST_ONE = Meta(min_length=1, extra_json_schema={"maxItems": MAX_FILES_PER_JOB})
# A key is data: no rule of paths applies to it. In Python, `$` also comes before a last newline.
KEY_BELOW_PREFIX = r"^PREFIX[^\x00]*$(?!\n)"
FILENAME_PATTERN = rf"^[^{DECEPTIVE}/\\]+$(?!\n)"
LABEL_PATTERN = rf"^[^{DECEPTIVE}]+$(?!\n)"
Label = Annotated[
    str,
    Meta(min_length=1, max_length=MAX_LABEL_CHARACTERS, pattern=LABEL_PATTERN, description="what you call the job"),
]
CallbackUrl = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=MAX_CALLBACK_URL_CHARACTERS,
        description="receives a webhook when the job ends: https, at a public address",
        extra_json_schema={"format": "uri"},
    ),
]
LinkTtl = Annotated[
    int, Meta(ge=LINK_TTL_MIN_SECONDS, le=S3_MAX_PRESIGN_SECONDS, description="lifetime of the links, in seconds")
]
WAYS_TO_NAME = ("file_ids", "keys", "prefix")


class ArchiveOptions(Struct, frozen=True, forbid_unknown_fields=True):
    """The ZIP that a job makes."""

    filename: Annotated[str, Meta(min_length=1, max_length=200, pattern=FILENAME_PATTERN)] | UnsetType = UNSET
    layout: Annotated[Layout, Meta(description="without folders, or with those below the prefix")] = "flat"
    onMissing: OnMissing = "skip"  # noqa: N815 - the name in JSON
    manifest: Annotated[bool, Meta(description="whether the last entry lists every file")] | UnsetType = True


class InitiateRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST /v1/download/initiate: exactly one of file_ids, keys and prefix."""

    file_ids: Annotated[list[FileId], AT_LEAST_ONE] | UnsetType = UNSET
    keys: Annotated[list[Key], AT_LEAST_ONE] | UnsetType = UNSET
    prefix: Annotated[Key, Meta(description="everything below it")] | UnsetType = UNSET
    archive: bool | ArchiveOptions = False
    linkTtlSeconds: LinkTtl | UnsetType = UNSET  # noqa: N815
    callbackUrl: CallbackUrl | UnsetType = UNSET  # noqa: N815
    label: Label | UnsetType = UNSET


Initiate = Annotated[
    InitiateRequest, Meta(extra_json_schema={"oneOf": [{"required": [name]} for name in WAYS_TO_NAME]})
]


class CheckRequest(Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST /v1/download/check."""

    file_id: FileId


_decode_initiate = msgspec.json.Decoder(InitiateRequest).decode
_decode_check = msgspec.json.Decoder(CheckRequest).decode


def initiate_request(body: bytes) -> InitiateRequest:
    """Parses a body. Raises InvalidRequest naming the invalid field, and TooManyFiles."""
    request = decoded(_decode_initiate, body)
    given = _given(request)
    if len(given) != 1:
        pointer = f"/{given[1]}" if given else "/file_ids"
        raise InvalidRequest([FieldProblem(pointer, "exactly one of `file_ids`, `keys` and `prefix` is required")])
    for named in (request.file_ids, request.keys):
        if named is not UNSET and len(named) > MAX_FILES_PER_JOB:
            raise TooManyFiles(count=len(named), limit=MAX_FILES_PER_JOB)
    return request


def _given(request: InitiateRequest) -> list[str]:
    return [name for name in WAYS_TO_NAME if getattr(request, name) is not UNSET]


def check_request(body: bytes) -> CheckRequest:
    """Parses a body. Raises InvalidRequest naming the invalid field."""
    return decoded(_decode_check, body)


# --- parameters -------------------------------------------------------------------------

Asset = Annotated[str, Meta(extra_json_schema={"enum": ["start.js", "swagger-ui-bundle.js", "swagger-ui.css"]})]
IdempotencyKey = Annotated[str, Meta(pattern=rf"^[!-~]{{1,{MAX_IDEMPOTENCY_KEY_CHARACTERS}}}$(?!\n)")]

_MAX_ECHO = 100  # characters of a parameter that an answer repeats
Choice = TypeVar("Choice", bound=StrEnum)
Delimiter = Literal["", "/"]
SHORT = {"1": "true", "0": "false"}
ShortFlag = Annotated[str, Meta(extra_json_schema={"enum": [*SHORT, *SHORT.values()]})]

_JOB_ID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")


def job_id_from(text: str) -> str:
    """A job id in lower case. Raises JobNotFound for text that is no UUID."""
    if not _JOB_ID.fullmatch(text):
        raise JobNotFound(text[:64])
    return text.lower()


class WholeNumber(Struct, frozen=True):
    """A query parameter that is a whole number from `low` to `high`."""

    name: str
    low: int
    high: int
    default: int

    def read(self, text: str | None) -> int:
        """The number; the default if the parameter is absent. Raises InvalidRequest."""
        if text is None:
            return self.default
        if not text.isascii() or not text.isdecimal() or len(text) > 18 or not self.low <= int(text) <= self.high:
            detail = f"{text!r} is not a whole number from {self.low} to {self.high}"
            raise InvalidRequest([FieldProblem(f"/{self.name}", detail)])
        return int(text)


FILES_CURSOR = WholeNumber("cursor", 0, MAX_FILES_PER_JOB, default=0)
FILES_LIMIT = WholeNumber("limit", 1, MAX_PAGE_FILES, default=MAX_PAGE_FILES)
JOBS_LIMIT = WholeNumber("limit", 1, MAX_PAGE_JOBS, default=20)
TICKET_TTL = WholeNumber("ticketTtlSeconds", TICKET_TTL_MIN_SECONDS, TICKET_TTL_MAX_SECONDS, default=3_600)
EVENTS_LIMIT = WholeNumber("limit", 1, MAX_PAGE_EVENTS, default=100)


def choice(name: str, text: str | None, *, choices: type[Choice]) -> Choice | None:
    """Reads a query parameter that is one of some words, None if it is absent. Raises InvalidRequest."""
    if text is not None and text not in set(choices):
        raise InvalidRequest([FieldProblem(f"/{name}", f"{text[:_MAX_ECHO]!r} is none of {', '.join(choices)}")])
    return None if text is None else choices(text)


def converted(name: str, text: str | None, *, kind: Any) -> Any:
    """Reads a query parameter of a type, None if it is absent. Raises InvalidRequest."""
    try:
        return None if text is None else msgspec.convert(text, kind)
    except msgspec.ValidationError as error:
        raise InvalidRequest([FieldProblem(f"/{name}", str(error))]) from error


def moment(name: str, text: str | None) -> int | None:
    """Reads a time with its zone as epoch milliseconds, None if it is absent. Raises InvalidRequest."""
    read = converted(name, text, kind=Annotated[datetime, Meta(tz=True)])
    return None if read is None else int(read.timestamp() * 1000)


def flag(name: str, text: str | None) -> bool:
    """Reads a query parameter that is off unless it says `true`. Raises InvalidRequest."""
    if text not in (None, "true", "false"):
        raise InvalidRequest([FieldProblem(f"/{name}", f"{text!r} is neither true nor false")])
    return text == "true"


def short_flag(name: str, text: str | None) -> bool:
    """The same for one that people type: `1` is on, too."""
    return flag(name, SHORT.get(text, text) if text else text)


# --- a new job --------------------------------------------------------------------------

MAX_REPORTED_KEYS = 10  # invalid keys that one answer names


def new_job(body: InitiateRequest, settings: Settings) -> NewJob:
    """Turns ids into keys, checks keys, drops repetitions. Raises InvalidRequest for keys that are refused."""
    files, count = _files(body, settings)
    link_ttl = _link_ttl(body, settings)
    prefix = "" if body.prefix is UNSET else body.prefix
    if prefix:
        check_keys([prefix], settings.s3_allowed_prefix, pointer="/prefix")
    archive = _archive(body, settings, prefix=prefix)
    return NewJob(
        files,
        count - len(files),
        link_ttl,
        archive,
        prefix,
        callback_url=_callback_url(body, settings),
        label="" if body.label is UNSET else body.label,
        named_by=_given(body)[0],
    )


def key_of(file_id: int, settings: Settings) -> str:
    """The object key of a numbered file."""
    return settings.s3_key_template.replace("{file_id}", str(file_id))


def _files(body: InitiateRequest, settings: Settings) -> tuple[list[RequestedFile], int]:
    """The files in first-seen order, and how many the request names."""
    if body.file_ids is not UNSET:
        ids = dict.fromkeys(body.file_ids)
        return [RequestedFile(key_of(number, settings), number) for number in ids], len(body.file_ids)
    if body.keys is not UNSET:
        check_keys(body.keys, settings.s3_allowed_prefix, pointer="/keys/{}")
        return [RequestedFile(key) for key in dict.fromkeys(body.keys)], len(body.keys)
    return [], 0


def _link_ttl(body: InitiateRequest, settings: Settings) -> int:
    if body.linkTtlSeconds is UNSET:
        return settings.presigned_url_expiry_seconds
    if body.linkTtlSeconds > max_link_ttl(settings):
        detail = f"must be at most {LINK_TTL_MAX_SECONDS}: links are signed with temporary credentials here"
        raise InvalidRequest([FieldProblem("/linkTtlSeconds", detail)])
    return body.linkTtlSeconds


def max_link_ttl(settings: Settings) -> int:
    """In seconds. Links that a role signs die with its session; only a store's own keys sign for days."""
    return S3_MAX_PRESIGN_SECONDS if settings.s3_access_key_id else LINK_TTL_MAX_SECONDS


def _archive(body: InitiateRequest, settings: Settings, *, prefix: str) -> ArchiveRequest | None:
    if body.archive is False:
        return None
    options = body.archive if isinstance(body.archive, ArchiveOptions) else ArchiveOptions()
    filename = "" if options.filename is UNSET else options.filename
    if filename and not filename.lower().endswith(".zip"):
        filename += ".zip"
    cut_off = "" if prefix else settings.s3_allowed_prefix
    return ArchiveRequest(filename, options.layout, options.onMissing, cut_off, options.manifest is not False)


def _callback_url(body: InitiateRequest, settings: Settings) -> str:
    """Checks the URL as it is written; its host name is resolved and checked when a webhook is sent."""
    if body.callbackUrl is UNSET:
        return ""
    try:
        return check_callback_url(body.callbackUrl, allow_local=settings.webhook_allow_local)
    except UnsafeCallbackUrl as error:
        raise InvalidRequest([FieldProblem("/callbackUrl", error.reason)]) from error


def check_keys(keys: Sequence[str], allowed: str, *, pointer: str) -> None:
    """Raises InvalidRequest for what no object of the allowed prefix can be called."""
    problems = []
    for index, key in enumerate(keys):
        refusal = _refusal(key, allowed)
        if refusal:
            problems.append(FieldProblem(pointer.format(index), refusal))
            if len(problems) == MAX_REPORTED_KEYS:
                break
    if problems:
        raise InvalidRequest(problems)


def _refusal(key: str, allowed: str) -> str | None:
    if not key.startswith(allowed):
        return f"must begin with {allowed}"
    if len(key.encode()) > S3_MAX_KEY_BYTES:
        return f"is longer than {S3_MAX_KEY_BYTES:,} bytes"
    return "contains a NUL" if "\0" in key else None
