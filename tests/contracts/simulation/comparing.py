"""Makes the same call of a simulated service and of another one, and says where the answers differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

Calls = Sequence[tuple[str, Mapping[str, Any]]]  # operation and arguments

# Of answers, but not of what the services keep.
IGNORED = frozenset({"ResponseMetadata", "ConsumedCapacity", "ItemCollectionMetrics", "Message", "message"})
REFUSALS = frozenset({"ValidationException", "ResourceNotFoundException", "IdempotentParameterMismatchException"})
SETS = frozenset({"SS", "NS", "BS"})


@dataclass(frozen=True, slots=True)
class Case:
    """Calls whose answers are compared one by one. `name` stands in lists of known differences."""

    name: str
    calls: Calls


@dataclass(frozen=True, slots=True)
class Reference:
    """Another service. `different` has patterns of cases in which it differs from AWS, each with the difference.

    `lenient`: it takes much that AWS refuses, so that nothing is learned from a call which the simulation refuses.
    """

    client: Any
    different: Mapping[str, str] = field(default_factory=dict)
    lenient: bool = False

    def known_difference(self, case: Case) -> str:
        return next((why for pattern, why in self.different.items() if re.match(pattern, case.name)), "")


def outcome(call: Callable[..., Any], arguments: Mapping[str, Any]) -> tuple[str, Any]:
    """ "ok" and the answer, or the error's code and what else it holds, without what may differ."""
    try:
        return "ok", plain(call(**arguments))
    except ParamValidationError:
        return "ParamValidationError", None
    except ClientError as error:
        more = {name: value for name, value in error.response.items() if name != "Error"}
        return error.response["Error"]["Code"], plain(more)
    except (AssertionError, AttributeError, KeyError, TypeError, ValueError) as error:  # moto, in this process
        return "crashed", type(error).__name__


def plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {
            name: sorted(inner, key=repr) if name in SETS else plain(inner)
            for name, inner in value.items()
            if name not in IGNORED and inner is not None
        }
    return [plain(inner) for inner in value] if isinstance(value, list) else value


def differences(simulated: Any, reference: Reference, case: Case) -> list[str]:
    """What the two services answer differently, call by call."""
    found = []
    for operation, arguments in case.calls:
        ours = outcome(getattr(simulated, operation), arguments)
        if reference.lenient and _is_refusal(ours):
            break
        theirs = outcome(getattr(reference.client, operation), arguments)
        if ours != theirs:
            found.append(f"{operation} {arguments}\n  simulated: {ours}\n  other:     {theirs}")
    return found


def _is_refusal(answer: tuple[str, Any]) -> bool:
    return answer[0] in REFUSALS or "ValidationError" in str(answer[1])
