"""Reads bodies of requests in time linear in their size, and names what is wrong with one."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable
from typing import TypeVar

import msgspec
from msgspec import Struct

from chalicelib.errors import FieldProblem, InvalidRequest

S = TypeVar("S", bound=Struct)

_PLACE = " - at `$"  # what msgspec ends a message with, and then a path and a backtick
_UNKNOWN = "unknown field `"
_MISSING = "required field `"
_MAX_ECHO = 200  # characters of the caller's input that an answer repeats


def decoded(decode: Callable[[bytes], S], body: bytes) -> S:
    """What `decode` makes of a body. Raises InvalidRequest naming the place that is wrong."""
    try:
        found = decode(body)
        pairs = _decode_pairs(body.decode())  # of a valid body, which is no deeper than its types
    except msgspec.ValidationError as error:
        raise InvalidRequest([_problem(str(error))]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest([FieldProblem("", f"the body is not valid JSON: {error}")]) from error
    if isinstance(pairs, _Repeated):
        raise InvalidRequest([FieldProblem(str(pairs), "is in its object more than once")])
    return found


def _problem(message: str) -> FieldProblem:
    """msgspec says "… - at `$.file_ids[3]`"; RFC 6901 says /file_ids/3.

    A message may hold a name of the caller's, as long as the body: it is cut up, and only short pieces are searched.
    """
    text, found, path = message.rpartition(_PLACE)
    if not found:
        text, path = message, ""
    pointer = re.sub(r"\.([^.\[]+)|\[(\d+)\]", lambda step: f"/{step[1] or step[2]}", _clipped(path.removesuffix("`")))
    for kind in (_UNKNOWN, _MISSING):
        _, named, name = text.partition(kind)
        if named:
            pointer += "/" + _clipped(name.removesuffix("`")).replace("~", "~0").replace("/", "~1")
            break
    return FieldProblem(_clipped(pointer), _clipped(text))


def _clipped(text: str) -> str:
    return text if len(text) <= _MAX_ECHO else text[:_MAX_ECHO] + "…"


class _Repeated(str):
    """The pointer to a name that an object has twice: readers of JSON disagree about what it means."""


def _object(pairs: list[tuple[str, object]]) -> dict[str, object] | _Repeated:
    found = dict(pairs)
    for name, inner in found.items():
        if isinstance(inner, _Repeated):
            return _Repeated(f"/{name}{inner}")
    if len(found) == len(pairs):
        return found
    counts = Counter(name for name, _ in pairs)
    return _Repeated("/" + next(name for name in counts if counts[name] > 1))


_decode_pairs = json.JSONDecoder(object_pairs_hook=_object).decode
