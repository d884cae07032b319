"""The queue contract: what is on SQS between two functions. Versioned, ids only, JSON.

A message names work, never carries it: the table holds everything else, so a message may be repeated, late or
reordered without harm.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TypeVar, get_type_hints

from chalicelib.errors import UnreadableMessage

VERSION = 1


@dataclass(frozen=True, slots=True)
class DispatchJob:
    """Turn this job into batches: send one CheckBatch for each batch that has no result yet."""

    job_id: str
    generation: int = 1


@dataclass(frozen=True, slots=True)
class CheckBatch:
    """Check the files of this batch (0-based) of this job."""

    job_id: str
    batch: int
    generation: int = 1


@dataclass(frozen=True, slots=True)
class ListPrefix:
    """Find out which files this job of a prefix has."""

    job_id: str
    generation: int = 1


@dataclass(frozen=True, slots=True)
class PlanArchive:
    """Plan the archives of this job in this generation, or go on with them."""

    job_id: str
    generation: int


@dataclass(frozen=True, slots=True)
class BuildChunk:
    """Build this chunk of this phase of this archive."""

    job_id: str
    generation: int
    archive: int
    phase: str
    chunk: int


@dataclass(frozen=True, slots=True)
class CleanUp:
    """Remove what this job does not need any more: open uploads, staging objects, archives of jobs without one."""

    job_id: str


@dataclass(frozen=True, slots=True)
class SendWebhook:
    """Tell the job's callback URL that it ended as `status` at `at` (epoch milliseconds)."""

    job_id: str
    status: str
    at: int


Message = DispatchJob | CheckBatch | ListPrefix | PlanArchive | BuildChunk | CleanUp
AnyMessage = Message | SendWebhook  # a webhook does not work on its job: giving it up does not fail the job
MESSAGES: tuple[type[AnyMessage], ...] = (
    DispatchJob,
    CheckBatch,
    ListPrefix,
    PlanArchive,
    BuildChunk,
    CleanUp,
    SendWebhook,
)
M = TypeVar("M", bound=AnyMessage)
_KINDS: dict[str, type[AnyMessage]] = {kind.__name__: kind for kind in MESSAGES}


def encode(message: AnyMessage) -> str:
    """The body of an SQS message."""
    return json.dumps({"v": VERSION, "kind": type(message).__name__, **asdict(message)}, separators=(",", ":"))


def decode(body: str, kind: type[M]) -> M:
    """The message in `body`. Raises UnreadableMessage unless it is a `kind` of this version, field by field."""
    message = _decode(body)
    if not isinstance(message, kind):
        raise UnreadableMessage(f"expected {kind.__name__}, got {type(message).__name__}")
    return message


def decode_any(body: str) -> Message:
    """The message in `body`, of whatever kind of work on a job. Raises UnreadableMessage."""
    message = _decode(body)
    if isinstance(message, SendWebhook):
        raise UnreadableMessage("SendWebhook does not belong on this queue")
    return message


def _decode(body: str) -> AnyMessage:
    try:
        fields = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise UnreadableMessage(f"not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise UnreadableMessage("not a JSON object")
    version, kind = fields.pop("v", None), _KINDS.get(str(fields.pop("kind", None)))
    if version != VERSION or kind is None:
        raise UnreadableMessage(f"version {version!r} is not {VERSION}, or its kind is none of {', '.join(_KINDS)}")
    expected = get_type_hints(kind)
    if not fields.keys() <= expected.keys() or any(type(value) is not expected[name] for name, value in fields.items()):
        raise UnreadableMessage(f"{kind.__name__} has the fields {', '.join(expected)}")
    try:
        return kind(**fields)
    except TypeError as error:
        raise UnreadableMessage(f"{kind.__name__} lacks a field: {error}") from error
