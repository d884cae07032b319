"""From a valid request body to a new job: ids become keys, keys are checked, repetitions are dropped."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

from chalicelib.api.schemas import ArchiveOptions, InitiateRequest
from chalicelib.delivery.callback_urls import check_callback_url
from chalicelib.errors import FieldProblem, InvalidRequest, UnsafeCallbackUrl
from chalicelib.jobs.model import ArchiveRequest, RequestedFile
from chalicelib.jobs.service import NewJob
from chalicelib.limits import LINK_TTL_MAX_SECONDS, S3_MAX_KEY_BYTES
from chalicelib.settings import Settings

REPORTED = 10  # offending keys that one answer names


def new_job(body: InitiateRequest, settings: Settings) -> NewJob:
    """Raises InvalidRequest for keys that are refused."""
    files, asked = _files(body, settings)
    link_ttl = _link_ttl(body, settings)
    prefix = "" if body.prefix is UNSET else body.prefix
    if prefix:
        _check_keys([prefix], settings.s3_allowed_prefix, pointer="/prefix")
    archive = _archive(body, settings, prefix)
    return NewJob(files, asked - len(files), link_ttl, archive, prefix, _callback_url(body, settings))


def key_of(file_id: int, settings: Settings) -> str:
    """The object key of a numbered file."""
    return settings.s3_key_template.replace("{file_id}", str(file_id))


def _callback_url(body: InitiateRequest, settings: Settings) -> str:
    """Where the URL's name leads to is found out when something is sent there."""
    if body.callbackUrl is UNSET:
        return ""
    try:
        return check_callback_url(body.callbackUrl, allow_local=settings.webhook_allow_local)
    except UnsafeCallbackUrl as error:
        raise InvalidRequest([FieldProblem("/callbackUrl", error.reason)]) from error


def _link_ttl(body: InitiateRequest, settings: Settings) -> int:
    """Links that a role signs die with its session; only a store's own long-lived keys sign for days."""
    if body.linkTtlSeconds is UNSET:
        return settings.presigned_url_expiry_seconds
    if body.linkTtlSeconds > LINK_TTL_MAX_SECONDS and not settings.s3_access_key_id:
        detail = f"must be at most {LINK_TTL_MAX_SECONDS}: links are signed with temporary credentials here"
        raise InvalidRequest([FieldProblem("/linkTtlSeconds", detail)])
    return body.linkTtlSeconds


def _files(body: InitiateRequest, settings: Settings) -> tuple[list[RequestedFile], int]:
    """The files in first-seen order, and how many were asked for."""
    if body.file_ids is not UNSET:
        ids = dict.fromkeys(body.file_ids)
        return [RequestedFile(key_of(number, settings), number) for number in ids], len(body.file_ids)
    if body.keys is not UNSET:
        _check_keys(body.keys, settings.s3_allowed_prefix, pointer="/keys/{}")
        return [RequestedFile(key) for key in dict.fromkeys(body.keys)], len(body.keys)
    return [], 0


def _archive(body: InitiateRequest, settings: Settings, prefix: str) -> ArchiveRequest | None:
    if body.archive is False:
        return None
    options = body.archive if isinstance(body.archive, ArchiveOptions) else ArchiveOptions()
    filename = "" if options.filename is UNSET else options.filename
    if filename and not filename.lower().endswith(".zip"):
        filename += ".zip"
    return ArchiveRequest(filename, options.layout, options.onMissing, prefix or settings.s3_allowed_prefix)


def _check_keys(keys: Sequence[str], allowed: str, *, pointer: str) -> None:
    """Keys are data, never paths: whatever could mean something else to a file system is refused."""
    problems = []
    for index, key in enumerate(keys):
        refusal = _refusal(key, allowed)
        if refusal:
            problems.append(FieldProblem(pointer.format(index), refusal))
            if len(problems) == REPORTED:
                break
    if problems:
        raise InvalidRequest(problems)


def _refusal(key: str, allowed: str) -> str | None:
    if not key.startswith(allowed):
        return f"must begin with {allowed}"
    if len(key.encode()) > S3_MAX_KEY_BYTES:
        return f"is longer than {S3_MAX_KEY_BYTES:,} bytes"
    if any(character < " " or "\x7f" <= character < "\xa0" for character in key):
        return "holds a control character"
    inner = key.removesuffix("/").split("/")
    if any(segment in ("", ".", "..") for segment in inner):
        return "has an empty segment, `.` or `..`"
    return None
