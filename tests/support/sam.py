"""The SAM transform as CloudFormation runs it, on this machine."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import boto3
from samtranslator.parser.parser import Parser
from samtranslator.translator.translator import Translator

Template = dict[str, Any]


def sam_transformed(
    template: Mapping[str, Any], parameters: Mapping[str, str], *, region: str = "eu-central-1"
) -> Template:
    """Returns what CloudFormation creates from an uploaded `template` whose `parameters` were given."""
    translator = Translator({}, Parser(), None, boto3.Session(region_name=region))
    made: Template = translator.translate(copy.deepcopy(dict(template)), dict(parameters))
    return made


def of_type(template: Mapping[str, Any], kind: str) -> dict[str, Template]:
    """Returns the resources of a type by logical id."""
    return {name: found for name, found in template["Resources"].items() if found["Type"] == kind}
