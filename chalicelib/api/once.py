"""Routes that a caller may name with an Idempotency-Key: served once, answered the same each time."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from chalicelib.api.middleware import Call
from chalicelib.calls.idempotency import KeyedRequest
from chalicelib.errors import FieldProblem, InvalidRequest
from chalicelib.limits import MAX_IDEMPOTENCY_KEY_CHARACTERS

Body = TypeVar("Body", bound=msgspec.Struct)
_VISIBLE = re.compile(rf"[\x21-\x7e]{{1,{MAX_IDEMPOTENCY_KEY_CHARACTERS}}}")


@dataclass(frozen=True, slots=True)
class KeyedView(Generic[Body]):
    """A route, what must be the same in each request of one key, and the type of its answer."""

    route: str
    content: bytes
    answer: type[Body]


def once(call: Call, view: KeyedView[Body], serve: Callable[[str, bool], Body]) -> tuple[Body, dict[str, str]]:
    """The answer of `serve(job_id, again)` and headers that tell of a replay; served anew only without a key.

    Raises InvalidRequest, IdempotencyKeyReused and RequestInProgress.
    """
    key = call.request.headers.get("idempotency-key")
    if key is None:
        return serve(str(uuid.uuid4()), False), {}
    if not _VISIBLE.fullmatch(key):
        detail = f"must be 1 to {MAX_IDEMPOTENCY_KEY_CHARACTERS} visible ASCII characters"
        raise InvalidRequest([FieldProblem("/Idempotency-Key", detail)])
    request = KeyedRequest(call.actor.by, view.route, key, view.content)
    served = call.services.idempotency.once(
        request, lambda job_id, again: msgspec.json.encode(serve(job_id, again)).decode()
    )
    told = {"Idempotency-Replayed": "true"} if served.replayed else {}
    return msgspec.json.decode(served.answer, type=view.answer), told
