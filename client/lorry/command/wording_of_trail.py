"""Changes and events of jobs, and limits, in words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from lorry.command.phases import phases_of
from lorry.command.wording import local_time
from lorry.limits import Limits
from lorry.trail import JobChange, JobEvent


def describe_change(change: JobChange) -> str:
    """A change in one line: when, what the job is at, how far that is."""
    job = change.job
    *_, phase = phases_of(job)
    when = f"{local_time(job.updated_at)}  " if job.updated_at else ""
    return f"{when}{phase.label:<12}  {job.progress:>3}%  {phase.detail}"


def describe_event(event: JobEvent) -> str:
    """An event in one line: when, what, by whom, and more of it where there is more."""
    when = local_time(event.at) if event.at else ""
    parts = [when, f"{event.kind:<20}", event.by, json.dumps(event.details) if event.details else "", event.request_id]
    return "  ".join(filter(None, parts)).rstrip()


def describe_limits(limits: Limits) -> Iterator[str]:
    """Every limit in a line, under the service's own names, also those that this client does not know."""
    figures = list(_flat(limits.answer, ""))
    width = max((len(name) for name, _ in figures), default=0)
    for name, value in figures:
        yield f"{name:<{width}}  {format(value, ',') if isinstance(value, int) else value}"


def _flat(group: Mapping[str, Any], place: str) -> Iterator[tuple[str, Any]]:
    for name, value in group.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{place}{name}.")
        else:
            yield f"{place}{name}", value
