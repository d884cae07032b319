"""Parts of a CloudFormation template with conditions and parameters decided."""

from __future__ import annotations

from typing import Any

Template = dict[str, Any]
NO_VALUE = {"Ref": "AWS::NoValue"}


def chosen(part: Any, conditions: set[str]) -> Any:
    """The part with each Fn::If decided: the `conditions` hold, and no other; AWS::NoValue is left out."""
    if isinstance(part, list):
        return [made for made in (chosen(inner, conditions) for inner in part) if made != NO_VALUE]
    if not isinstance(part, dict):
        return part
    if part.keys() == {"Fn::If"}:
        condition, yes, no = part["Fn::If"]
        return chosen(yes if condition in conditions else no, conditions)
    made = {key: chosen(inner, conditions) for key, inner in part.items()}
    return {key: value for key, value in made.items() if value != NO_VALUE}


def with_defaults(template: Template, part: Any) -> Any:
    """The part with the defaults of parameters in place of references to them."""
    if isinstance(part, list):
        return [with_defaults(template, inner) for inner in part]
    if not isinstance(part, dict):
        return part
    declared = template["Parameters"].get(part.get("Ref")) if part.keys() == {"Ref"} else None
    if declared is not None and "Default" in declared:
        return declared["Default"]
    return {key: with_defaults(template, inner) for key, inner in part.items()}
