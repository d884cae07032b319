"""Reads server-sent events, the format of HTML's EventSource: html.spec.whatwg.org, section 9.2.6."""

from __future__ import annotations

import re
from dataclasses import dataclass

_LINE_END = re.compile("\r\n|\n|\r")


@dataclass(frozen=True)
class StreamedEvent:
    """One event; `id` is empty when none was given so far."""

    name: str
    id: str
    data: str


@dataclass(frozen=True)
class EventStream:
    """A whole response: its events, and the seconds after which to come again (None: it does not say)."""

    events: tuple[StreamedEvent, ...]
    retry: float | None


class _Reader:
    """Takes line after line; what is not ended by a blank line is dropped, as the format has it."""

    def __init__(self) -> None:
        self.events: list[StreamedEvent] = []
        self.retry: float | None = None
        self._name = ""
        self._id = ""
        self._data: list[str] = []

    def take(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if not line:
            self._dispatch()
        elif name == "event":
            self._name = value
        elif name == "data":
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value
        elif name == "retry" and re.fullmatch("[0-9]{1,12}", value):
            self.retry = int(value) / 1000

    def _dispatch(self) -> None:
        if self._data:
            self.events.append(StreamedEvent(self._name or "message", self._id, "\n".join(self._data)))
        self._name, self._data = "", []


def read_events(body: bytes) -> EventStream:
    """The events of a whole response."""
    reader = _Reader()
    *lines, _ = _LINE_END.split(body.decode("utf-8-sig", errors="replace"))
    for line in lines:
        reader.take(line)
    return EventStream(tuple(reader.events), reader.retry)
