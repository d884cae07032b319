"""Bodies of a job's request whose shape costs a careless reader more than their size; each takes a count to grow by."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping

HOSTILE: Mapping[str, Callable[[int], str]] = {
    "the words of the message": lambda n: json.dumps({" - at `$.a[0]" * n: 1}),
    "its last words": lambda n: json.dumps({"x` - at `$" * n: 1}),
    "backticks": lambda n: json.dumps({"unknown field `" * n: 1}),
    "depth": lambda n: '{"archive":' + "[" * n + "]" * n + "}",
    "digits": lambda n: '{"file_ids":[' + "9" * n + "]}",
    "names": lambda n: "{" + ",".join(f'"{number}":1' for number in range(n)) + "}",
    "surrogates": lambda n: '{"label":"' + "\\ud800" * n + '"}',
    "brackets": lambda n: json.dumps({"a.b[1]" * n: {"c": 1}}),
}


def hostile_body(shape: str, size: int) -> bytes:
    """A body of about so many bytes."""
    grow = HOSTILE[shape]
    one, two = len(grow(10_000)), len(grow(20_000))
    return grow(10_000 + (size - one) * 10_000 // (two - one)).encode()
