"""The part of the template that chalicelib/settings.py determines: parameters and the functions' environment.

A setting whose variable infra/template gives a value by itself (a queue's URL, an address that is put together) has no
part in it. Every other becomes a parameter of its own name, JOB_TTL_SECONDS as JobTtlSeconds; what infra/template says
of that parameter counts more than what is generated here.
"""

from __future__ import annotations

from typing import Any

from msgspec import inspect

from chalicelib.environment import Setting
from chalicelib.settings import SETTINGS

OF_LAMBDA = {"AWS_REGION"}  # set by Lambda itself


def add_settings(document: dict[str, Any]) -> None:
    """Adds parameters and variables to the document, in place."""
    resources, shared = document["Resources"], document["Globals"]["Function"]
    given = {name for block in (shared, *_properties(resources)) for name in _variables(block)}
    for setting in SETTINGS:
        if setting.name in given | OF_LAMBDA:
            continue
        name = parameter_name(setting)
        document["Parameters"][name] = {**_parameter(setting), **document["Parameters"].get(name, {})}
        for block in [resources[function]["Properties"] for function in setting.functions] or [shared]:
            block.setdefault("Environment", {"Variables": {}})["Variables"][setting.name] = {"Ref": name}


def parameter_name(setting: Setting) -> str:
    """JobTtlSeconds for JOB_TTL_SECONDS."""
    return "".join(word.capitalize() for word in setting.field.split("_"))


def _properties(resources: dict[str, Any]) -> list[dict[str, Any]]:
    return [resource.get("Properties", {}) for resource in resources.values()]


def _variables(block: dict[str, Any]) -> dict[str, Any]:
    variables: dict[str, Any] = block.get("Environment", {}).get("Variables", {})
    return variables


def _parameter(setting: Setting) -> dict[str, Any]:
    made: dict[str, Any] = {"Type": "String", "Description": f"{setting.help[0].upper()}{setting.help[1:]}."}
    if not setting.required:
        made["Default"] = setting.default_text
    match setting.kind:
        case inspect.IntType(ge=low, le=high) | inspect.FloatType(ge=low, le=high):
            # The default as text: a macro that reads 53687091200000 as a number may write 5.36870912E13.
            made |= {"Type": "Number", "MinValue": low, "MaxValue": high}
        case inspect.BoolType():
            made["AllowedValues"] = ["true", "false"]
        case inspect.LiteralType(values=values):
            made["AllowedValues"] = list(values)
    return made
