"""What is wrong with the values of parameters, as far as CloudFormation cannot see it.

A template knows ranges of single parameters. That 1e5 is no integer to the functions, that a URL is none, or that two
values contradict each other would only show when no function starts, or when a lifecycle rule deletes what a job needs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chalicelib.errors import InvalidSettings
from chalicelib.settings import SETTINGS, Settings
from infra.settings_template import parameter_name

DAY_SECONDS = 86_400


def contradictions(values: Mapping[str, str]) -> list[str]:
    """Returns a sentence for each thing that is wrong with `values` of parameters, by their names.

    Parameters that are absent count as they are by default. Asterisks, as CloudFormation shows secrets, are a value.
    """
    return [*_of_settings(values), *_of_queues(values), *_of_lifecycles(values)]


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


def _number(values: Mapping[str, str], name: str) -> float | None:
    try:
        return float(values[name])
    except (KeyError, ValueError):
        return None
