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
        _decode_pairs(body.decode())
    except msgspec.ValidationError as error:
        raise InvalidRequest([_problem(str(error))]) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidRequest([FieldProblem("", f"the body is not valid JSON: {error}")]) from error
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


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    """An object of a valid body. Readers of JSON disagree about what a name means that is there twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        twice = next(name for name, count in Counter(name for name, _ in pairs).items() if count > 1)
        raise InvalidRequest([FieldProblem(f"/{twice}", "is in an object more than once")])
    return found


_decode_pairs = json.JSONDecoder(object_pairs_hook=_object).decode
