"""Finds what would fail on AWS and CloudFormation cannot see beforehand: parameters, and what the account lacks.

A template knows ranges of single parameters. That 1e5 is no integer to the functions, that a URL is none, or that two
values contradict each other would only show when no function starts, or when a lifecycle rule deletes what a job needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks import prices
from chalicelib.aws.clients import bucket_region
from chalicelib.errors import InvalidSettings
from chalicelib.settings import SETTINGS, Settings
from infra.settings_template import parameter_name

DAY_SECONDS = 86_400
# Of a reader who waits all day in a function of 512 MB.
STREAM_DAY = 0.5 * DAY_SECONDS * prices.GB_SECOND["arm64"]


class NoAccessLogs(Exception):
    """Access logs are on, and API Gateway has no role with which it writes them."""


def access_logs(gateway: Any, given: Mapping[str, str]) -> dict[str, str]:
    """Returns the parameter that turns access logs off for a new stack where the account cannot have them.

    `gateway` is a client of API Gateway. Raises NoAccessLogs if they were asked for.
    """
    if given.get("AccessLogs") == "false" or gateway.get_account().get("cloudwatchRoleArn"):
        return {}
    if "AccessLogs" in given:
        raise NoAccessLogs(
            "AccessLogs=true: API Gateway has no role in this account and region with which it writes logs; "
            "docs/how-to/deploy.md says how to give it one"
        )
    return {"AccessLogs": "false"}


def source_region(s3: Any, given: Mapping[str, str], previous: Mapping[str, str]) -> dict[str, str]:
    """Returns the parameter that names the source bucket's region, so that functions need not ask when they start.

    None where one is given, where S3 does not say, or with a separate store, which has no such regions.
    """
    if "S3Region" in given or given.get("S3Endpoint", previous.get("S3Endpoint", "")):
        return {}
    region = bucket_region(s3, given["SourceBucket"])
    return {"S3Region": region} if region else {}


def concurrency(functions: Any, template: Mapping[str, Any], values: Mapping[str, str]) -> str | None:
    """Returns a sentence if the account lets fewer functions run at once than this stack's queues may start; else None.

    `functions` is a client of Lambda. The API's own are not counted: callers decide how many these are.
    """
    allowed = functions.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
    wanted = sum(_workers(template, values))
    if wanted < allowed:
        return None
    return (
        f"this account may run {allowed:,} functions at once, and this stack's queues alone start up to {wanted:,}; "
        "then work waits, and the API is throttled too: ask for a higher quota of concurrent executions, or "
        "lower CheckConcurrency and AssemblyConcurrency"
    )


def _workers(template: Mapping[str, Any], values: Mapping[str, str]) -> Iterator[int]:
    """How many invocations each queue may start at once."""
    for resource in template["Resources"].values():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        for event in resource["Properties"].get("Events", {}).values():
            most = event["Properties"].get("ScalingConfig", {}).get("MaximumConcurrency", 0)
            if isinstance(most, Mapping):
                name = most["Ref"]
                most = values.get(name, template["Parameters"][name]["Default"])
            yield int(most)


def stream_costs(values: Mapping[str, str]) -> str:
    """Returns a sentence about the most that event streams cost by the settings."""
    (setting,) = (setting for setting in SETTINGS if setting.field == "stream_max_waiting")
    places = int(values.get(parameter_name(setting), setting.default_text))
    return (
        f"event streams cost ${STREAM_DAY:.2f} a day for each reader that always waits, so at most "
        f"${places * STREAM_DAY:,.2f} a day with StreamMaxWaiting={places} (docs/explanation/cost.md)"
    )


def contradictions(values: Mapping[str, str]) -> list[str]:
    """Returns a sentence for each thing that is wrong with `values` of parameters, by their names.

    Parameters that are absent count as they are by default. Asterisks, as CloudFormation shows secrets, are a value.
    """
    return [*_of_settings(values), *_of_queues(values), *_of_lifecycles(values), *_of_network(values)]


def _of_settings(values: Mapping[str, str]) -> Iterator[str]:
    """What would stop every function when it starts."""
    names = {setting.name: parameter_name(setting) for setting in SETTINGS}
    given = {variable: values[name] for variable, name in names.items() if name in values}
    # What other resources determine is right by construction.
    determined = {setting.name: "x" for setting in SETTINGS if setting.required}
    try:
        Settings.from_environment({**determined, **given})
    except InvalidSettings as error:
        text = str(error)
        for variable in sorted(names, key=len, reverse=True):
            text = text.replace(variable, names[variable])
        yield text


def _of_queues(values: Mapping[str, str]) -> Iterator[str]:
    if _number(values, "ProvisionedPollers") == 1:
        yield "ProvisionedPollers is 1: AWS takes 2 or more at a queue, or 0 for none"
    received, parked = (_number(values, name) for name in ("MaxReceiveCount", "ParkReceiveCount"))
    if received is not None and parked is not None and parked <= received:
        yield (
            f"ParkReceiveCount is {parked:g}: it must be larger than MaxReceiveCount ({received:g}), or dead letters "
            "are parked before anything reads them"
        )


def _of_lifecycles(values: Mapping[str, str]) -> Iterator[str]:
    life = _number(values, "JobTtlSeconds")
    for name, lost in (("AbandonedAfterDays", "a running job's uploads"), ("ArchiveExpiryDays", "a job's archives")):
        days = _number(values, name)
        if life is not None and days is not None and days * DAY_SECONDS <= life:
            yield (
                f"{name} is {days:g}: JobTtlSeconds is {life / DAY_SECONDS:g} days, so the archive bucket would delete "
                f"{lost}; make it {life // DAY_SECONDS + 1:g} or more"
            )


def _of_network(values: Mapping[str, str]) -> Iterator[str]:
    if values.get("VpcSubnetIds") and not values.get("VpcSecurityGroupIds"):
        yield "VpcSubnetIds needs VpcSecurityGroupIds: Lambda takes both or neither"


def _number(values: Mapping[str, str], name: str) -> float | None:
    try:
        return float(values[name])
    except (KeyError, ValueError):
        return None
