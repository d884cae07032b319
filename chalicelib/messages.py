"""The queue contract: what is on SQS between two functions. Versioned, ids only, JSON.

A message names work, never carries it: the table holds everything else, so a message may be repeated, late or
reordered without harm. `kind` names a message and its version, such as "CheckBatch.v1".
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from chalicelib.errors import UnreadableMessage


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="{}.v1".format):
    pass


class DispatchJob(_Message, frozen=True):
    """Send the first batches of this job; with `resume`, also those again that were sent and have no results."""

    job_id: str
    generation: int = 1
    resume: bool = False


class CheckBatch(_Message, frozen=True):
    """Check the files of this batch (0-based) of this job."""

    job_id: str
    batch: int
    generation: int = 1


class ListPrefix(_Message, frozen=True):
    """Find out which files this job of a prefix has, from this batch on: those before it are known."""

    job_id: str
    generation: int = 1
    batch: int = 0


class PlanArchive(_Message, frozen=True):
    """Plan the archives of this job in this generation, or continue them."""

    job_id: str
    generation: int


class BuildChunk(_Message, frozen=True):
    """Build this chunk of this phase of this archive; `resume` what another worker may have left of it."""

    job_id: str
    generation: int
    archive: int
    phase: str
    chunk: int
    resume: bool = False


class CleanUp(_Message, frozen=True):
    """Remove what this job does not need any more: open uploads, staging objects, archives of jobs without one."""

    job_id: str


class SendWebhook(_Message, frozen=True):
    """Tell the job's callback URL that it ended as `status` at `at` (epoch milliseconds)."""

    job_id: str
    status: str
    at: int


Message = DispatchJob | CheckBatch | ListPrefix | PlanArchive | BuildChunk | CleanUp
AnyMessage = Message | SendWebhook  # a webhook does not work on its job: giving it up does not fail the job
M = TypeVar("M", bound=AnyMessage)

_decoder = msgspec.json.Decoder(AnyMessage)


def work_of(message: Message) -> str:
    """Names what a message asks for among all messages of its job; another copy asks for the same."""
    kind, (_, *values) = type(message).__name__, msgspec.structs.astuple(message)
    return "#".join([kind, *(str(value) for value in values if not isinstance(value, bool))])


def encode(message: AnyMessage) -> str:
    """The body of an SQS message."""
    return msgspec.json.encode(message).decode()


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
        message: AnyMessage = _decoder.decode(body)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise UnreadableMessage(f"not a message of this version: {error}") from error
    return message
