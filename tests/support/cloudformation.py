"""What CloudFormation makes of a template's references, conditions and rules for given parameters."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from tests.support.templates import NO_VALUE

Template = dict[str, Any]

PSEUDO = {
    "AWS::StackName": "lorry-prod",
    "AWS::Region": "eu-central-1",
    "AWS::AccountId": "111122223333",
    "AWS::Partition": "aws",
    "AWS::URLSuffix": "amazonaws.com",
}
_PLACE = re.compile(r"\$\{([A-Za-z0-9:.]+)\}")


class Stack:
    """A template with `parameters`, the others as they are by default. References to resources become their names."""

    def __init__(self, template: Mapping[str, Any], **parameters: str) -> None:
        self._template = template
        self._values: dict[str, Any] = dict(PSEUDO)
        for name, declared in template["Parameters"].items():
            value = str(parameters.get(name, declared.get("Default", "")))
            self._values[name] = value.split(",") if declared["Type"] == "CommaDelimitedList" else value

    def properties(self, name: str) -> Template:
        """The properties of a resource."""
        found: Template = self(self._template["Resources"][name]["Properties"])
        return found

    def holds(self, condition: str) -> bool:
        """Whether a condition holds."""
        return bool(self(self._template["Conditions"][condition]))

    def exists(self, name: str) -> bool:
        """Whether a resource is made."""
        condition = self._template["Resources"][name].get("Condition")
        return condition is None or self.holds(condition)

    def broken_rules(self) -> list[str]:
        """Why CloudFormation refuses the parameters."""
        return [
            assertion["AssertDescription"]
            for rule in self._template["Rules"].values()
            if "RuleCondition" not in rule or self(rule["RuleCondition"])
            for assertion in rule["Assertions"]
            if not self(assertion["Assert"])
        ]

    def __call__(self, part: Any) -> Any:
        """`part` with references and choices worked out."""
        if isinstance(part, list):
            return [value for value in map(self, part) if value != NO_VALUE]
        if not isinstance(part, Mapping):
            return part
        if len(part) == 1:
            ((name, argument),) = part.items()
            if name in ("Ref", "Condition") or name.startswith("Fn::"):
                return self._intrinsic(name, argument)
        made = {key: self(inner) for key, inner in part.items()}
        return {key: value for key, value in made.items() if value != NO_VALUE}

    def _intrinsic(self, name: str, argument: Any) -> Any:
        known: dict[str, Callable[[Any], Any]] = {
            "Ref": self._reference,
            "Condition": self.holds,
            "Fn::GetAtt": lambda path: f"<{'.'.join(path)}>",
            "Fn::Sub": self._substituted,
            "Fn::If": lambda choice: self(choice[1] if self.holds(choice[0]) else choice[2]),
            "Fn::And": lambda parts: all(map(self, parts)),
            "Fn::Or": lambda parts: any(map(self, parts)),
            "Fn::Equals": lambda pair: self(pair[0]) == self(pair[1]),
            "Fn::Not": lambda one: not self(one[0]),
            "Fn::Join": lambda join: str(join[0]).join(self(join[1])),
            "Fn::Split": lambda split: self(split[1]).split(split[0]),
            "Fn::Select": lambda select: self(select[1])[select[0]],
            "Fn::EachMemberEquals": lambda pair: all(value == pair[1] for value in self(pair[0])),
        }
        return known[name](argument)

    def _reference(self, name: str) -> Any:
        return NO_VALUE if name == "AWS::NoValue" else self._values.get(name, f"<{name}>")

    def _substituted(self, argument: Any) -> str:
        text, more = (argument, {}) if isinstance(argument, str) else argument
        values = {name: self(value) for name, value in more.items()}
        return _PLACE.sub(lambda place: str(values.get(place[1], self._reference(place[1]))), text)
