"""Drives flows by hand: without a network, and without waiting."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeVar

import httpx

from lorry.flows import Flow, Pause, Request
from lorry.transport import resume

Value = TypeVar("Value")


class Script:
    """Runs flows on scripted responses (or errors to raise) and notes the requests and pauses that they yield."""

    def __init__(self, responses: Iterable[httpx.Response | Exception]) -> None:
        self.requests: list[Request] = []
        self.pauses: list[float] = []
        self._responses = iter(responses)

    def run(self, flow: Flow[Value]) -> Value:
        """The result of `flow`. Raises what it raises."""
        try:
            step = next(flow)
            while True:
                if isinstance(step, Pause):
                    self.pauses.append(step.seconds)
                    step = resume(flow, None)
                    continue
                self.requests.append(step)
                response = next(self._responses)
                step = resume(flow, response)
        except StopIteration as end:
            result: Value = end.value
            return result


def answer(status: int, body: Any = None, **headers: str) -> httpx.Response:
    """A response with a JSON body; underscores in names of headers stand for hyphens."""
    content = b"" if body is None else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, content=content, headers=named)
