"""Which function of app.py is run by what, as the template's event sources say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from localstack.intrinsics import Resolver, Resource

_RATE = re.compile(r"rate\((\d+) minutes?\)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One event source of one function of app.py, which may run for `timeout` seconds."""

    function: str
    timeout: float


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTrigger(Trigger):
    """`concurrency` invocations at once, each of at most `batch` messages."""

    url: str
    arn: str
    batch: int
    concurrency: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamTrigger(Trigger):
    """`patterns` choose records; a record that fits one of them is handed over."""

    arn: str
    batch: int
    patterns: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockTrigger(Trigger):
    """Every so many seconds."""

    seconds: float


def triggers(template: Mapping[str, Any], resources: Mapping[str, Resource], resolver: Resolver) -> list[Trigger]:
    """Every trigger of the template but those of API Gateway."""
    queues = {found.attributes["Arn"]: found.reference for found in resources.values() if "Arn" in found.attributes}
    return [_trigger(function, timeout, event, queues, resolver) for function, timeout, event in _events(template)]


def _events(template: Mapping[str, Any]) -> Iterator[tuple[str, float, Mapping[str, Any]]]:
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            properties = resource["Properties"]
            for event in properties.get("Events", {}).values():
                yield properties["Handler"].removeprefix("app."), float(properties["Timeout"]), event


def _trigger(
    function: str, timeout: float, event: Mapping[str, Any], queues: Mapping[str, str], resolver: Resolver
) -> Trigger:
    properties = resolver(event["Properties"])
    match event["Type"]:
        case "SQS":
            return QueueTrigger(
                function=function,
                timeout=timeout,
                url=queues[properties["Queue"]],
                arn=properties["Queue"],
                batch=properties["BatchSize"],
                concurrency=int(properties["ScalingConfig"]["MaximumConcurrency"]),
            )
        case "DynamoDB":
            filters = properties.get("FilterCriteria", {}).get("Filters", [])
            return StreamTrigger(
                function=function,
                timeout=timeout,
                arn=properties["Stream"],
                batch=properties["BatchSize"],
                patterns=tuple(json.loads(found["Pattern"]) for found in filters),
            )
        case "Schedule":
            return ClockTrigger(function=function, timeout=timeout, seconds=_seconds(properties["Schedule"]))
    raise ValueError(f"{function}: nothing here knows how {event['Type']} invokes a function")


def _seconds(schedule: str) -> float:
    rate = _RATE.fullmatch(schedule)
    if rate is None:
        raise ValueError(f"{schedule!r}: only rates in minutes are known here")
    return 60.0 * int(rate[1])
