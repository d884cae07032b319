"""Idempotency-Key: requests with the same key have the same effect as one.

A key determines the id of the job that a request creates, so that two requests cannot create two. The job itself holds
what later requests are compared with; nothing else is stored.
"""

from __future__ import annotations

import hashlib
import re
import uuid

from chalicelib.api.middleware import Call
from chalicelib.errors import FieldProblem, InvalidRequest
from chalicelib.jobs.service import RequestKey
from chalicelib.limits import MAX_IDEMPOTENCY_KEY_CHARACTERS

NAMESPACE = uuid.UUID("5c2f7c0e-7d0a-4f6e-9d3b-6a6c1f0b8e21")
REPLAYED = {"Idempotency-Replayed": "true"}

_VISIBLE = re.compile(rf"[\x21-\x7e]{{1,{MAX_IDEMPOTENCY_KEY_CHARACTERS}}}")


def request_key(call: Call, route: str, content: bytes) -> RequestKey | None:
    """The key of a request, if it has one. `content` must be equal in each request of one key. Raises InvalidRequest.

    Keys of different callers and routes are different keys.
    """
    if "idempotency-key" not in call.request.headers:
        return None
    key = call.header("idempotency-key")
    if not _VISIBLE.fullmatch(key):
        detail = f"must be 1 to {MAX_IDEMPOTENCY_KEY_CHARACTERS} visible ASCII characters"
        raise InvalidRequest([FieldProblem("/Idempotency-Key", detail)])
    job_id = uuid.uuid5(NAMESPACE, "\0".join((call.actor.by, route, key)))
    return RequestKey(key, str(job_id), hashlib.sha256(content).hexdigest()[:32])
