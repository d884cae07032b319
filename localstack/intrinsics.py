"""CloudFormation's references worked out without CloudFormation, for stacks that have none."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from localstack.clients import ACCOUNT, REGION

ABSENT = ""  # what a reference to something that such a stack has not becomes
_PLACE = re.compile(r"\$\{([A-Za-z0-9:]+)(?:\.([A-Za-z0-9]+))?\}")
_NO_VALUE = object()


@dataclass(frozen=True, slots=True)
class Resource:
    """What became of one resource of the template: what Ref gives, and the attributes that GetAtt may ask for."""

    reference: str
    attributes: Mapping[str, str]


class Unknown(Exception):
    """The template uses an intrinsic function that is not known here. The text names it."""


def _parameter_values(template: Mapping[str, Any], given: Mapping[str, str]) -> dict[str, Any]:
    """What every declared parameter is; numbers as numbers."""
    return {name: _value(declared, given.get(name)) for name, declared in template["Parameters"].items()}


def _value(declared: Mapping[str, Any], given: str | None) -> Any:
    value = declared.get("Default", "") if given is None else given
    return int(value) if declared["Type"] == "Number" and str(value).isdecimal() else value


class Resolver:
    """Values of a template in which `parameters` were given and `resources` were made, by logical id."""

    def __init__(
        self,
        template: Mapping[str, Any],
        parameters: Mapping[str, str],
        resources: Mapping[str, Resource],
        *,
        stack: str,
    ) -> None:
        pseudo = {
            "AWS::StackName": stack,
            "AWS::Region": REGION,
            "AWS::AccountId": ACCOUNT,
            "AWS::Partition": "aws",
            "AWS::URLSuffix": "amazonaws.com",
        }
        self._values: dict[str, Any] = {**pseudo, **_parameter_values(template, parameters)}
        self._conditions = template.get("Conditions", {})
        self._resources = resources

    def __call__(self, part: Any) -> Any:
        """`part` with its references worked out. Raises Unknown."""
        if isinstance(part, list):
            return [value for value in map(self._maybe, part) if value is not _NO_VALUE]
        if not isinstance(part, Mapping):
            return part
        if len(part) == 1 and _is_intrinsic(name := next(iter(part))):
            return self._intrinsic(name, part[name])
        return {key: value for key, inner in part.items() if (value := self._maybe(inner)) is not _NO_VALUE}

    def _maybe(self, part: Any) -> Any:
        return _NO_VALUE if part == {"Ref": "AWS::NoValue"} else self(part)

    def _intrinsic(self, name: str, argument: Any) -> Any:
        known: dict[str, Callable[[Any], Any]] = {
            "Ref": self._ref,
            "Condition": self.holds,
            "Fn::GetAtt": lambda path: self._attribute(*path),
            "Fn::Sub": self._substituted,
            "Fn::If": lambda choice: self(choice[1] if self.holds(choice[0]) else choice[2]),
            "Fn::And": lambda parts: all(map(self, parts)),
            "Fn::Or": lambda parts: any(map(self, parts)),
            "Fn::Equals": lambda pair: self(pair[0]) == self(pair[1]),
            "Fn::Not": lambda one: not self(one[0]),
            "Fn::Join": lambda join: str(join[0]).join(map(str, self(join[1]))),
            "Fn::Split": lambda split: str(self(split[1])).split(split[0]),
        }
        if name not in known:
            raise Unknown(f"{name} is not known to localstack/intrinsics.py")
        return known[name](argument)

    def _ref(self, name: str) -> Any:
        if name in self._values:
            return self._values[name]
        return self._resources[name].reference if name in self._resources else ABSENT

    def _attribute(self, name: str, attribute: str) -> str:
        return self._resources[name].attributes[attribute] if name in self._resources else ABSENT

    def _substituted(self, text: str) -> str:
        """The text with its places filled; absent as a whole where one of them is."""
        places = [self._attribute(*names) if names[1] else self._ref(names[0]) for names in _PLACE.findall(text)]
        filled = iter(places)
        return ABSENT if ABSENT in places else _PLACE.sub(lambda _: str(next(filled)), text)

    def holds(self, condition: str) -> bool:
        """Whether a condition of the template holds."""
        return bool(self(self._conditions[condition]))


def _is_intrinsic(name: str) -> bool:
    return name in ("Ref", "Condition") or name.startswith("Fn::")
